"""The stack's child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure_emulator.testing import wait_until

from noon.failures import CommandError
from noon.local.processes import Child

SLEEPER = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
PARENT = """
import signal, sys
from pathlib import Path
from noon.local.processes import Child
code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
Child("child", [sys.executable, "-c", code], {}, Path(sys.argv[1])).start()
signal.pause()
"""


def log_says(log: Path, text: str) -> bool:
    """Whether a log holds the text."""
    return log.exists() and text in log.read_text()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_child_is_started_ended_and_started_again(tmp_path: Path) -> None:
    """A restart is an end and a start; both outputs are in the log."""
    child = Child("sleeper", SLEEPER, os.environ, tmp_path / "log")
    for times in (1, 2):
        child.start()
        try:
            child.wait_ready(lambda: child.log.read_text().count("up") == times)  # noqa: B023
            assert child.running
        finally:
            child.end()
            child.join()
        assert not child.running


def test_a_killed_child_is_gone(tmp_path: Path) -> None:
    """A power cut leaves nothing of a child."""
    child = Child("sleeper", SLEEPER, os.environ, tmp_path / "log")
    child.start()
    child.wait_ready(lambda: log_says(child.log, "up"))
    child.kill()
    assert not child.running
    assert child.exit_code


def test_a_child_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """Who sees a part fail sees why, without looking for its log."""
    code = "import sys; print('port 7071 is taken', file=sys.stderr); sys.exit(7)"
    child = Child("app", [sys.executable, "-c", code], os.environ, tmp_path / "log")
    child.start()
    with pytest.raises(CommandError) as raised:
        child.wait_ready(lambda: False)
    assert "app ended by itself with exit code 7" in str(raised.value)
    assert "port 7071 is taken" in str(raised.value)


def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    """A start waits for so long and no longer."""
    child = Child("sleeper", SLEEPER, os.environ, tmp_path / "log")
    child.start()
    try:
        with pytest.raises(CommandError, match=r"sleeper was not ready after 0 s"):
            child.wait_ready(lambda: False, timeout_seconds=0.2)
    finally:
        child.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    """Whatever happens to `noon up`, nothing keeps its ports and files."""
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PARENT, str(log)]
    with subprocess.Popen(command, env=environment) as parent:
        wait_until(lambda: log_says(log, "\n"), what="the child being started")
        child = int(log.read_text())
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(child), what="the child ending with its parent")
