"""What can go wrong before a function app runs.

HostError
 +-- AppError      the app folder or its code is not what the host can run
 +-- SettingError  an app setting is missing or wrong
"""


class HostError(Exception):
    """The host cannot start; the message names what to change."""


class AppError(HostError):
    """The app folder or its code is not what the host can run."""


class SettingError(HostError):
    """An app setting is missing or wrong."""
