"""Goes on watching while the app is away."""

from __future__ import annotations

import time
from typing import Any

from noon.client import AppRefusedError, Polled
from noon.failures import NotRunningError

PATIENCE_SECONDS = 120.0
"""So long a watch outlives an app that does not answer: it may be deployed or started anew."""
PAUSE_SECONDS_MAX = 30.0
PASSING = frozenset({429, 500, 502, 503, 504})


class Lost:
    """Outlives an app that does not answer for a while, asking it less and less often."""

    def __init__(self, seconds: float, last: dict[str, Any]) -> None:
        self._seconds = seconds
        self._since: float | None = None
        self.last = last
        """The document as it was last."""
        self.pause_seconds = seconds
        self.note = ""

    def read(self, polled: Polled) -> tuple[dict[str, Any], bool]:
        """The document, or the last one there was; raises NotRunningError in the end."""
        try:
            self.last, changed = polled.read()
        except (NotRunningError, AppRefusedError) as error:
            self._bear(error)
            return self.last, False
        self._since, self.pause_seconds, self.note = None, self._seconds, ""
        return self.last, changed

    def _bear(self, error: NotRunningError | AppRefusedError) -> None:
        now = time.monotonic()
        self._since = self._since if self._since is not None else now
        passing = isinstance(error, NotRunningError) or error.status in PASSING
        if not passing or now - self._since > PATIENCE_SECONDS:
            raise error
        self.pause_seconds = min(self.pause_seconds * 2, PAUSE_SECONDS_MAX)
        self.note = f"not answered for {now - self._since:.0f} s: {error}"
