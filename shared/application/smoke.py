"""Rows with which a deployment asks the champions whether they answer."""

from __future__ import annotations

import json
from typing import Any

from shared.application.plane import ControlPlane
from shared.domain.errors import NotFoundError
from shared.domain.places import output_path


def sample_rows(plane: ControlPlane, model: str) -> list[dict[str, Any]]:
    """The rows that the champion's training left for this; raises NotFoundError without them.

    A model that has no champion yet has no rows: an empty list.
    """
    state = plane.ports.state.load(model).state
    if state is None or state.champion is None:
        return []
    path = output_path(state.champion.version.job, "model", "sample.json")
    content = plane.ports.files.read(path)
    if content is None:
        raise NotFoundError(f"{model}: the champion's sample rows are gone: {path}")
    rows: list[dict[str, Any]] = json.loads(content)["rows"]
    return rows
