"""Containers that a test starts: hardened as in production, gone when the test ends."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure_emulator.testing import wait_until

HARDENED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
OPEN_FILES_MAX = 16384


@dataclass(frozen=True, slots=True)
class Podman:
    """podman with the configuration that it needs on this machine."""

    environment: dict[str, str]

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of podman to its end."""
        done = subprocess.run(
            ["podman", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0 or not check, f"podman {arguments}: {done.stderr}"
        return done

    def once(self, image: str, *command: str, options: Sequence[str] = ()) -> Any:
        """Run a container to its end and give exit code and output; nothing is left."""
        return self("run", "--rm", *HARDENED, *options, image, *command, check=False)

    @contextmanager
    def running(
        self, image: str, *command: str, port: int, options: Sequence[str] = ()
    ) -> Iterator[Container]:
        """A running container, removed by its id when the block ends."""
        published = f"--publish=127.0.0.1::{port}"
        started = self("run", "--detach", *HARDENED, published, *options, image, *command)
        container = Container(self, started.stdout.strip(), port)
        try:
            yield container
        finally:
            self("rm", "--force", "--time=1", "--volumes", container.id)


@dataclass(frozen=True, slots=True)
class Container:
    """One container that runs."""

    podman: Podman
    id: str
    port: int

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        return f"http://{self.podman('port', self.id, f'{self.port}/tcp').stdout.strip()}"

    def inspect(self) -> Any:
        """All that podman knows of it."""
        return json.loads(self.podman("inspect", self.id).stdout)[0]

    def logs(self) -> str:
        """What it said."""
        done = self.podman("logs", self.id)
        return done.stdout + done.stderr

    def wait_healthy(self, seconds: float = 60) -> None:
        """Run its own health check until that passes; without systemd nobody else does."""

        def healthy() -> bool:
            assert self.inspect()["State"]["Running"], self.logs()
            return self.podman("healthcheck", "run", self.id, check=False).returncode == 0

        wait_until(healthy, timeout_seconds=seconds, what="its health check")

    def stop(self, seconds: int = 20) -> int:
        """Ask it to end, as an orchestrator does, and give its exit code: 137 is killed."""
        self.podman("stop", f"--time={seconds}", self.id)
        return int(self.inspect()["State"]["ExitCode"])


def configuration(folder: Path) -> Path:
    """What podman must know here: runc, and no limits above those of this process.

    podman gives containers more open files than a process without CAP_SYS_RESOURCE may.
    """
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], OPEN_FILES_MAX)
    processes = min(resource.getrlimit(resource.RLIMIT_NPROC)[1], OPEN_FILES_MAX)
    limits = f'["nofile={files}:{files}", "nproc={processes}:{processes}"]'
    text = f'[containers]\ndefault_ulimits = {limits}\nlog_driver = "k8s-file"\n'
    text += '[engine]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\n'
    if shutil.which("runc", path="/usr/sbin:/usr/bin"):
        text += 'runtime = "runc"\n'
    path = folder / "containers.conf"
    path.write_text(text)
    return path
