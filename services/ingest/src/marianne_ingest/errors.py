"""Why a run ends without a new index; the messages are one line for the operator."""

from pydantic import ValidationError


class SourceError(Exception):
    """The data cannot be used; the message names file, column, field or source."""


class HubUnavailableError(Exception):
    """The hub, or the revision that is asked for, cannot be reached."""


class CheckFailedError(Exception):
    """The index that was built does not find its own texts; it was not switched to."""


def first_problem(error: ValidationError) -> str:
    """The field of the first fault and what is wrong with it."""
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}"
