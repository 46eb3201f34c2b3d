"""Starts the host again whenever a file of the app changes, for developers."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import watchfiles

EXTENSIONS = (".json", ".toml", ".env")
STOP_SECONDS = 10


def reload(app: Path, home: Path) -> int:
    """Run this process' own command without `--reload`, again after each change, for ever.

    A host that cannot start says why and ends; the next change tries again. Ends with SIGINT or
    SIGTERM, and the host with it.
    """
    command = [sys.executable, *(each for each in sys.orig_argv[1:] if each != "--reload")]
    watchfiles.run_process(
        app,
        target=shlex.join(command),
        target_type="command",
        callback=lambda changes: _tell(app.resolve(), changes),
        # What the host itself keeps may lie below the app.
        watch_filter=watchfiles.PythonFilter(
            ignore_paths=[home.resolve()], extra_extensions=EXTENSIONS
        ),
        debounce=200,
        sigint_timeout=STOP_SECONDS,
    )
    return 0


def _tell(app: Path, changes: set[tuple[watchfiles.Change, str]]) -> None:
    names = sorted({os.path.relpath(path, app) for _, path in changes})
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    print(f"Changed: {', '.join(names[:5])}{more}. Starting again.", flush=True)
