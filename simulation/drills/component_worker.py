"""A child process that runs one training component over and over, importing its libraries once.

Started as `python component_worker.py FOLDER`: every line on stdin is a JSON list of arguments,
every line on stdout tells how the component's own `main` ended with them.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from pathlib import Path


def serve(folder: Path) -> None:
    """Answer until stdin is closed."""
    sys.path.insert(0, str(folder))
    import run  # type: ignore[import-not-found]

    for line in sys.stdin:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = run.main(json.loads(line))
            except SystemExit as end:
                code = end.code
            except Exception:  # as the interpreter would: a traceback, and exit code 1
                traceback.print_exc()
                code = 1
        print(json.dumps({"code": code, "output": said.getvalue()}), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
