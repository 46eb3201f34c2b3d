"""Which loopback ports a stack uses: the well-known ones, and the same again after a restart."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFERRED = {
    "functions": 7071,
    "emulator": 8443,
    "blob": 10000,
    "queue": 10001,
    "table": 10002,
    "webui": 4280,
    "container": 8000,
}


def choose_ports(
    recorded: Mapping[str, int], preferred: Mapping[str, int] = PREFERRED
) -> dict[str, int]:
    """Give each service the port it had before, else its preferred one, else any free one."""
    chosen: dict[str, int] = {}
    for name in PREFERRED:
        candidates = [recorded.get(name), preferred.get(name)]
        wanted = [port for port in candidates if port and port not in chosen.values()]
        chosen[name] = next(filter(_free, wanted), 0) or _any_free(set(chosen.values()))
    return chosen


def listening(port: int) -> bool:
    """Say whether something accepts connections at a loopback port."""
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex(("127.0.0.1", port)) == 0


def _free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: connections of the last run that still linger are no hindrance.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in taken:
            return port


@contextmanager
def turn_to_listen() -> Iterator[None]:
    """Wait until no other stack of this machine is between choosing ports and listening there.

    Two that start at the same moment would find the same ports free.
    """
    path = Path(tempfile.gettempdir()) / f"noon-ports-{os.getuid()}.lock"
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
