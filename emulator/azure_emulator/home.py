"""The folder that holds everything durable of one local Azure, and who runs it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .mistakes import UserMistakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
KINDS = ("emulator", "blob", "queue", "table")
STATE, LOCK = "up.json", "up.lock"
KEPT_BY_RESET = ("tls", STATE, LOCK)
"""Certificates stay, since clients trust them, and ports, since clients know them."""


@dataclass(slots=True)
class Running:
    """What `up` was started with; remembered after it ends, for the next time."""

    subscription: str = SUBSCRIPTION
    resource_group: str = "local"
    workspace: str = "local"
    ports: dict[str, int] = field(default_factory=dict)
    pid: int = 0
    """The process of `up`; 0 when it has ended or is not ready yet."""

    @property
    def url(self) -> str:
        """Give the base URL of the control plane."""
        return f"https://127.0.0.1:{self.ports['emulator']}"


@dataclass(frozen=True, slots=True)
class Home:
    """One such folder."""

    path: Path

    def remembered(self) -> Running:
        """Give what the last `up` was started with, or what a first one would be."""
        try:
            return Running(**json.loads((self.path / STATE).read_text()))
        except FileNotFoundError:
            return Running()
        except (OSError, TypeError, ValueError) as error:
            raise UserMistakeError(f"{self.path / STATE} cannot be read: {error}") from None

    def remember(self, running: Running) -> None:
        """Write it in one step."""
        part = self.path / f"{STATE}.part"
        part.write_text(json.dumps(asdict(running), indent=1))
        part.replace(self.path / STATE)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who runs it; raise UserMistakeError when another does."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise UserMistakeError(
                f"{self.path} cannot be written: {error.strerror}; choose another with --home"
            ) from None
        with lock:
            if not _lock(lock.fileno()):
                raise UserMistakeError(
                    f"{self.path} is in use by another `up`; see `azure-emulator status`, "
                    "end it with `azure-emulator down`, or choose another --home"
                )
            yield

    def in_use(self) -> bool:
        """Say whether an `up` holds it, ready or not."""
        try:
            with (self.path / LOCK).open() as lock:
                return not _lock(lock.fileno())
        except OSError:
            return False

    def running(self) -> Running | None:
        """Give what runs here and is ready, or None."""
        if not self.in_use():
            return None
        running = self.remembered()
        return running if running.pid else None

    def need_running(self) -> Running:
        """Give what runs here; raise UserMistakeError when nothing does."""
        if running := self.running():
            return running
        raise UserMistakeError(
            f"nothing runs in {self.path}; start it with `azure-emulator up --home {self.path}`"
        )

    def forget(self) -> list[str]:
        """Delete all state but certificates and ports; give the names of what went."""
        if not self.path.is_dir():
            return []
        if not any((self.path / name).exists() for name in KEPT_BY_RESET):
            raise UserMistakeError(f"{self.path} holds no local Azure: nothing was deleted")
        gone = sorted(each for each in self.path.iterdir() if each.name not in KEPT_BY_RESET)
        for each in gone:
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        return [each.name for each in gone]


def default_home() -> Path:
    """Give AZURE_EMULATOR_HOME, or a folder of the user."""
    given = os.environ.get("AZURE_EMULATOR_HOME")
    return Path(given) if given else Path.home() / ".azure-emulator"


def _lock(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
