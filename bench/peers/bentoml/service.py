"""A BentoML service with one worker."""

from __future__ import annotations

from typing import Any

import bentoml
from engines import load_engine


@bentoml.service(workers=1)
class Flights:
    """Scores rows."""

    def __init__(self) -> None:
        self.engine = load_engine()

    @bentoml.api
    def score(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        """The answers."""
        return self.engine(rows)
