"""What a shell offers after Tab: asked of the app at once, or left out.

Nothing here may fail or print: whoever pressed Tab is in the middle of a line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from shared.domain.errors import NoonError

PATIENCE_SECONDS = 2.0
NEWEST = 20


def model_names(incomplete: str) -> list[str]:
    """The app's models; while it does not answer, those with a file in the checkout."""
    fleet = _fleet()
    names = [str(model["name"]) for model in fleet] if fleet else _files()
    return _fitting(names, incomplete)


def things(ctx: typer.Context, incomplete: str) -> list[str]:
    """What `why` knows: jobs, versions and deployments, of the model that is named if one is."""
    named = str(ctx.params.get("model") or "")
    fleet = [model for model in _fleet() if not named or model["name"] == named]
    told = [name for model in fleet for name in _at_a_glance(model)]
    wanted = named or next(
        (m["name"] for m in fleet if incomplete.startswith(f"{m['name']}-") or len(fleet) == 1), ""
    )
    return _fitting([*told, *_in_full(wanted)] if wanted else told, incomplete)


def check_names(incomplete: str) -> list[str]:
    """The checks of the doctor."""
    from noon.doctor.checks import NAMES

    return _fitting(NAMES, incomplete)


def process_names(incomplete: str) -> list[str]:
    """The processes of the local stack that have a log."""
    from noon.home import find_home

    return _fitting(sorted(path.stem for path in find_home().logs.glob("*.log")), incomplete)


def _at_a_glance(model: dict[str, Any]) -> list[str]:
    champion, training, rollout = model["champion"], model["training"], model["rollout"]
    told = [champion["job"], champion["deployment"]] if champion else []
    told += [training["job"]] if training else []
    return told + ([rollout["deployment"]] if rollout else [])


def _in_full(model: str) -> list[str]:
    """Jobs and versions of one model, the newest."""
    app = _app()
    if app is None:
        return []
    with suppress(NoonError, KeyError, TypeError):
        jobs = [str(job["job"]) for job in app.model(model, "runs")["jobs"]]
        judged = app.model(model, "versions", limit=NEWEST)["versions"]
        return jobs[:NEWEST] + [str(one["version"]) for one in judged if one["version"]]
    return []


def _fleet() -> list[dict[str, Any]]:
    app = _app()
    if app is None:
        return []
    with suppress(NoonError, KeyError, TypeError):
        fleet: list[dict[str, Any]] = app.fleet()
        return fleet
    return []


def _app() -> Any:
    from noon.client import find_app

    with suppress(NoonError, OSError):
        return replace(find_app(), timeout_seconds=PATIENCE_SECONDS)
    return None


def _files() -> list[str]:
    from noon.home import ROOT

    folder = Path(os.environ.get("NOON_MODELS_DIR") or ROOT / "models")
    return sorted(path.stem for path in folder.glob("*.toml"))


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return list(dict.fromkeys(name for name in names if name.startswith(incomplete)))
