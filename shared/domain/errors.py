"""Every error that Noon raises by itself, as one tree.

::

    NoonError
    ├── SettingsError      a setting or a model file is wrong: nothing starts
    ├── MalformedError     an input can never be understood: report it, do not retry
    ├── NotFoundError      the thing asked for does not exist
    ├── ConflictError      somebody else wrote first: look again
    ├── BusyError          the outside system cannot take this now: the next pass tries again
    ├── RefusedError       the outside system said no for good: quota, validation, permission
    └── UnavailableError   the outside system did not answer: the next pass tries again
        └── NotAskedError  it was not even asked: its silence says nothing about it
"""


class NoonError(Exception):
    """Anything that Noon itself reports."""


class SettingsError(NoonError):
    """A setting or a model file is wrong; the text names it and says what is allowed."""


class MalformedError(NoonError):
    """An input can never be understood, however often it is tried."""


class NotFoundError(NoonError):
    """The thing asked for does not exist."""


class ConflictError(NoonError):
    """Somebody else wrote first; what was read is out of date."""


class BusyError(NoonError):
    """The outside system cannot take this now, for example while it is updating."""

    def __init__(self, text: str = "", retry_after_seconds: int = 0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds
        """So long it asked to be left alone; 0 where it did not say."""


class RefusedError(NoonError):
    """The outside system said no for good; trying the same again cannot help."""


class UnavailableError(NoonError):
    """The outside system did not answer, or answered that it cannot at the moment."""


class NotAskedError(UnavailableError):
    """Nothing was sent to the outside system, so its silence says nothing about it."""
