"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

from enum import IntEnum

from shared.domain.errors import NoonError


class ExitCode(IntEnum):
    """What the shell gets to see."""

    OK = 0
    FAILED = 1
    """It was tried and did not work."""
    USAGE = 2
    """The command line or a file named in it is wrong; nothing was tried."""
    NOT_RUNNING = 3
    """Nobody answers: the stack is not running, or it runs already where it must not."""


class CommandError(NoonError):
    """One sentence for the user that says what to do."""

    exit_code = ExitCode.FAILED


class UsageError(CommandError):
    """The user's input is wrong."""

    exit_code = ExitCode.USAGE


class NotRunningError(CommandError):
    """Nobody answers, or a stack runs where none may."""

    exit_code = ExitCode.NOT_RUNNING
