"""HOME, the folder of one local stack: who runs it, and how to reach it."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon.failures import CommandError, NotRunningError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""
STACK_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class StackRecord:
    """stack.json: where a stack is, or was the last time, and the keys that open it."""

    pid: int
    ports: Mapping[str, int]
    urls: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """`function` opens reading and predict, `orders` train, `rollout` pause and its like."""
    pids: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    """What a process needs to reach this stack as if it were Azure."""
    release: Mapping[str, str | int] = field(default_factory=dict)
    """What was registered last, and under `content` a digest of what it was made from."""
    schema: int = STACK_SCHEMA


@dataclass(frozen=True, slots=True)
class Home:
    """Everything durable of one local stack lies here."""

    path: Path

    @property
    def logs(self) -> Path:
        """Give the folder of the processes' output."""
        return self.path / "logs"

    def log(self, process: str) -> Path:
        """Give the file of one process's output."""
        return self.logs / f"{process}.log"

    @property
    def stack_file(self) -> Path:
        """Give the place of the record."""
        return self.path / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Give the file that is locked, and holds the runner's pid, while a stack runs."""
        return self.path / "stack.lock"

    @property
    def host_keys_file(self) -> Path:
        """Give the place where the Functions host keeps its keys."""
        return self.path / "keys.json"

    @property
    def bundle(self) -> Path:
        """Give the certificates that clients of this stack trust."""
        return self.path / "tls" / "bundle.pem"

    def record(self) -> StackRecord | None:
        """Read the record; None before the first start. Raises CommandError when it is damaged."""
        try:
            return _parsed(self.stack_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(
                f"{self.stack_file} cannot be read ({error}): delete the file, or everything "
                "with `noon reset`"
            ) from None

    def write(self, record: StackRecord) -> None:
        """Replace the record in one step; only its owner may read the keys in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        part = self.stack_file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(record), file, indent=2)
            file.write("\n")
        part.replace(self.stack_file)

    def host_keys(self) -> dict[str, Any]:
        """Read the keys of the Functions host; empty before its first start."""
        try:
            keys: dict[str, Any] = json.loads(self.host_keys_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return keys

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process that runs this stack; raises NotRunningError when another one does.

        The kernel gives the lock back when the holder ends, however it ends: a pid in a file
        alone could be that of a stranger.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _locked(descriptor):
                raise NotRunningError(
                    f"a stack of {self.path} runs already (process {self.runner()}): see "
                    "`noon status`, end it with `noon down`"
                )
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            yield
        finally:
            os.close(descriptor)

    def runner(self) -> int | None:
        """Give the pid of the process that runs this stack now; None when nobody does."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            if _locked(descriptor):
                return None
            text = os.read(descriptor, 20).decode()
        finally:
            os.close(descriptor)
        return int(text) if text.isdigit() else None


def find_home() -> Home:
    """Give the HOME of the environment variable NOON_HOME, else .noon in the checkout."""
    return Home(Path(os.environ.get("NOON_HOME") or ROOT / ".noon").expanduser().absolute())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _parsed(text: str) -> StackRecord:
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("schema") != STACK_SCHEMA:
        raise ValueError(f"it is not a record of schema {STACK_SCHEMA}")
    return StackRecord(**document)
