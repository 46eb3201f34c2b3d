"""What one `serve` process was started with."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_DATASTORE = "workspaceblobstore"
ARTIFACT_DATASTORE = "workspaceartifactstore"
BUILT_IN_DATASTORES = {DEFAULT_DATASTORE: "azureml-blobstore", ARTIFACT_DATASTORE: "azureml"}


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """One workspace, where its state lives and how its parts are played locally."""

    home: Path
    port: int
    blob_url: str
    subscription: str
    resource_group: str
    workspace: str
    location: str = "local"
    datastores: dict[str, str] = field(default_factory=dict)
    computes: tuple[str, ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    """Pattern of an environment's image and the command that stands for it, first match wins."""
    python: Path = Path(sys.executable)
    inference_server: Path | None = None
    """The `azmlinfsrv` that runs scoring scripts; None looks beside `python` and on PATH."""
    host: str = "127.0.0.1"
    """The address that it listens at; another one than loopback is for containers."""
    watch_seconds: float = 0.5
    record: Path | None = None
    """A file that gets every call of the control plane as a line of JSON."""

    @property
    def workspace_id(self) -> str:
        """Give the ARM id of the workspace."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )

    @property
    def base_url(self) -> str:
        """Give the URL under which processes of this machine reach us."""
        return f"https://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Pace:
    """How fast operations go; can be changed while running."""

    operation_seconds: float = 2.0
    poll_milliseconds: int = 100
    """Sent as `retry-after-ms` with operations; 0 sends nothing, as the real service does."""
    restart_seconds: float = 1.0
    """Pause before a dead container is started again; it doubles with every death."""
