"""What every controller is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .events import EventSink
    from .faults import Faults
    from .machine_learning.blobs import BlobFiles
    from .operations import Operations
    from .settings import Pace, ServeSettings
    from .storage import StorageAccess
    from .store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that controllers share."""

    settings: ServeSettings
    pace: Pace
    store: Store
    storage: StorageAccess
    files: BlobFiles
    operations: Operations
    events: EventSink
    faults: Faults

    @property
    def workspace(self) -> str:
        """Give the ARM id of the workspace."""
        return self.settings.workspace_id
