"""What a person did that cannot work, in words that say what to do instead."""

from __future__ import annotations


class UserMistakeError(Exception):
    """Ends a command with its message and without a traceback."""
