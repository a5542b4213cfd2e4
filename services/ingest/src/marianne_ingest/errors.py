"""Why a run ends without a new index; the messages are one line for the operator."""


class SourceError(Exception):
    """The data cannot be used; the message names file, column, field or source."""


class HubUnavailableError(Exception):
    """The hub, or the revision that is asked for, cannot be reached."""


class CheckFailedError(Exception):
    """The index that was built does not find its own texts; it was not switched to."""
