"""Lets a command reach the storage and the workspace that it works on."""

from __future__ import annotations

import os

from noon.failures import NotRunningError
from noon.home import find_home


def use_stack_unless(variable: str) -> str:
    """Give the variable's value; when it is not set, take all settings of the local stack.

    The Azure libraries read their own variables from the environment of the process, so these are
    set here. Raises NotRunningError when there is neither the variable nor a stack.
    """
    if value := os.environ.get(variable):
        return value
    home = find_home()
    record = home.record()
    if home.runner() is None or record is None or not record.environment:
        raise NotRunningError(
            f"no stack of {home.path} is running: start it with `noon up`, or set {variable} and "
            "the other settings of the app"
        )
    os.environ.update(record.environment)
    return os.environ[variable]
