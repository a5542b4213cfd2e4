"""Why a run ends without a new index; the messages are one line for the operator."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError


class SourceError(Exception):
    """The data cannot be used; the message names file, column, field or source."""


class HubUnavailableError(Exception):
    """The hub, or the revision that is asked for, cannot be reached."""


class EmbeddingsUnavailableError(Exception):
    """The embeddings endpoint cannot be reached, or what it answers is of no use."""


class SettingError(Exception):
    """A setting does not go with the index or the data; the message names it."""


class CheckFailedError(Exception):
    """The index that was built does not find its own texts; it was not switched to."""


def first_problem(error: ValidationError) -> str:
    """The field of the first fault and what is wrong with it."""
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}"


@contextmanager
def reported_as(kind: type[Exception], subject: str) -> Iterator[None]:
    """The readers' and the hub client's errors have many types and no common one."""
    try:
        yield
    except (SourceError, HubUnavailableError):
        raise
    except Exception as error:
        first_line = str(error).strip().partition("\n")[0]
        raise kind(f"{subject}: {type(error).__name__}: {first_line}") from error
