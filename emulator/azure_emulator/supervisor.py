"""Runs one command so that nothing of it outlives us: `supervisor.py PARENT_PID COMMAND…`.

A script of its own that imports almost nothing: it is started before every command of a job and
before every deployment. The command gets a process group. SIGTERM here ends the group (SIGKILL
after a grace), SIGUSR2 kills it at once, and so does the death of the process that started us.
SIGTSTP freezes the group, SIGCONT lets it go on. With `-` for a command it waits for one.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import signal
import sys
from contextlib import suppress

FROM_STDIN = "-"
"""In the place of a command: it comes through stdin as marshal's (folder, variables, command)."""
GRACE_SECONDS = 5
PR_SET_PDEATHSIG = 1
SIGNALS = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTSTP,
    signal.SIGCONT,
}


def supervised(*command: str) -> list[str]:
    """Give the argument list that runs `command` under supervision of the calling process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(parent: int, command: list[str]) -> int:
    """Run the command and give its exit code (128 + signal when a signal ended it)."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until their handlers know the child
    watched = _ask_for_signal_at_parents_death()
    if os.getppid() != parent:
        return 1
    variables = dict(os.environ)
    if command == [FROM_STDIN]:
        content = sys.stdin.buffer.read()
        if not content:
            return 1
        folder, variables, command = marshal.loads(content)  # noqa: S302 - our parent's
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        child = os.posix_spawnp(command[0], command, variables, setpgroup=0, setsigmask=())
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    _handle_signals(child, parent)
    if not watched:
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.kill(os.getpid(), signal.SIGUSR1)  # the parent may have died before we asked
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _signal_group(child, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _handle_signals(child: int, parent: int) -> None:
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True
        _signal_group(child, signal.SIGTERM)
        _signal_group(child, signal.SIGCONT)  # a frozen process would not see it
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def check_parent(*_: object) -> None:
        # SIGUSR1 also comes when only the *thread* that started us ends.
        if os.getppid() != parent and not ending:
            end()

    def tick(*_: object) -> None:
        if ending:
            _signal_group(child, signal.SIGKILL)
        check_parent()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGUSR1, check_parent)
    signal.signal(signal.SIGUSR2, lambda *_: _signal_group(child, signal.SIGKILL))
    signal.signal(signal.SIGALRM, tick)
    signal.signal(signal.SIGTSTP, lambda *_: _signal_group(child, signal.SIGSTOP))
    signal.signal(signal.SIGCONT, lambda *_: _signal_group(child, signal.SIGCONT))


def _ask_for_signal_at_parents_death() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return bool(prctl(PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0) == 0)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), sys.argv[2:]))
