"""The folder of a stack: who runs it, and what is written down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure_emulator.testing import wait_until

from noon.failures import CommandError, NotRunningError
from noon.home import Home, StackRecord

HOLD = """
import pathlib, signal, sys
from noon.home import Home
with Home(pathlib.Path(sys.argv[1])).held():
    print("held", flush=True)
    signal.pause()
"""


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Ports, addresses and keys outlive the process that chose them."""
    home = Home(tmp_path / "new")
    assert home.record() is None
    record = StackRecord(pid=7, ports={"blob": 10000}, keys={"function": "k"})
    home.write(record)
    assert home.record() == record


def test_only_the_owner_reads_the_keys(tmp_path: Path) -> None:
    """stack.json holds keys, so nobody else on the machine may read it."""
    home = Home(tmp_path)
    home.write(StackRecord(pid=7, ports={}))
    assert home.stack_file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1, "x": 2}'])
def test_a_record_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    """A record that this version did not write is never half understood."""
    home = Home(tmp_path)
    home.stack_file.write_text(text)
    with pytest.raises(CommandError, match=r"stack\.json cannot be read"):
        home.record()


def test_a_stack_has_one_runner(tmp_path: Path) -> None:
    """Two stacks in one folder would destroy each other's state."""
    home = Home(tmp_path)
    assert home.runner() is None
    with home.held():
        assert home.runner() == os.getpid()
        with pytest.raises(NotRunningError, match=f"runs already .process {os.getpid()}"):
            home.held().__enter__()
    assert home.runner() is None


def test_a_killed_runner_leaves_the_folder_free(tmp_path: Path) -> None:
    """The kernel knows who is alive; a pid left in a file does not."""
    home = Home(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert home.runner() == holder.pid
        holder.send_signal(signal.SIGKILL)
    wait_until(lambda: home.runner() is None, what="the lock of a dead process being free")
    with home.held():
        assert home.runner() == os.getpid()
