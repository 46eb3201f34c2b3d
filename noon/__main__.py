"""`noon` and `python -m noon`: every mistake ends in one sentence and an exit code."""

from __future__ import annotations

import os
import sys

import typer
from typer.exceptions import TyperException

from noon.app import app
from noon.failures import ExitCode
from shared.domain.errors import NoonError, SettingsError

INTERRUPTED = 130
"""What shells report after Ctrl-C."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        code = app(arguments, prog_name="noon", standalone_mode=False)
    except TyperException as error:
        return _usage(error)
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("noon: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except NoonError as error:
        print(f"noon: {error}", file=sys.stderr)
        wrong_setting = isinstance(error, SettingsError)
        return int(getattr(error, "exit_code", ExitCode(1 + wrong_setting)))
    return code if isinstance(code, int) else ExitCode.OK


def _usage(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    print(f"noon: {error.format_message().rstrip('.')}.", file=sys.stderr)
    if context is not None:
        print(f"See: {context.command_path} --help", file=sys.stderr)
    return ExitCode.USAGE


def _reader_gone() -> int:
    # `noon … | head` closes our output; without this Python complains while it exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(main())
