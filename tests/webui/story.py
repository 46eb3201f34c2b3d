"""A real stack with something to see: a champion, what the gate refused, and a canary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from noon.local.environment import WEBUI
from noon.local.flights import easy_and_hard
from tests.e2e.conftest import Product, flights_with_schedule, running_product

MODEL = "flights"
FIRST, LAST = date(2013, 1, 1), date(2013, 1, 10)
STORY_SECONDS_MAX = 600.0
CALLS = 60
START_SECONDS = 15
"""What the app takes to start again, before the slot that it must not miss."""
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

PATIENT_ROLLOUT = """
[profiles.local.rollout]
# The canary stays at its first step until somebody orders otherwise.
soak_seconds = 900
requests_min = 5
no_data_seconds_max = 3600
provisioning_minutes_max = 2
keep_warm_minutes = 1
poll_seconds = 1
"""


@contextmanager
def told(home: Path) -> Iterator[Product]:
    """Flights with a champion by landed data and a slot within a minute or so.

    The slot trains on the same data, so that the gate refuses what it brings.
    """
    if not (WEBUI / "index.html").exists():
        raise FileNotFoundError("the web UI is not built: run `make setup`")
    far = datetime.now(UTC) - timedelta(hours=2)
    with running_product(home, {MODEL: model_file(far)}) as product:
        span = ("--from", str(FIRST), "--to", str(LAST))
        product.stack.noon("data", "push", MODEL, *span)
        product.wait(MODEL, champion_rules, STORY_SECONDS_MAX)
        # Not before: a slot during the first training would be judged without a champion.
        due_at = datetime.now(UTC) + timedelta(seconds=START_SECONDS + 60)
        (product.models / f"{MODEL}.toml").write_text(model_file(due_at))
        product.stack.restart("app")
        yield product


def send_canary(product: Product, because: str) -> None:
    """Order a challenger that is not compared with the champion: the next one is rolled out."""
    product.stack.app.steer(MODEL, "accept", because, "Kim")
    product.stack.app.train(MODEL, because, "Kim")


@contextmanager
def told_to_its_canary(home: Path) -> Iterator[Product]:
    """The same with version 2 as a canary and some callers, for who looks from outside of tests."""
    with told(home) as product:
        send_canary(product, "a look at a canary")
        product.wait(MODEL, canary_of(2), STORY_SECONDS_MAX)
        rows = list(easy_and_hard(LAST).values())
        for _ in range(CALLS):
            product.stack.app.predict(MODEL, rows)
        yield product


def chromium() -> str:
    """The path of the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError(
            "no chromium on PATH: `make setup` installs it as root on Debian; else install it"
        )
    return path


def model_file(due_at: datetime) -> str:
    """Flights with a slot at this minute, short trainings and a canary that stays."""
    toml = flights_with_schedule(due_at)
    short = {"holdout_days = 7": "holdout_days = 3", "max_iterations = 200": "max_iterations = 50"}
    for line, shorter in short.items():
        assert line in toml
        toml = toml.replace(line, shorter)
    return toml[: toml.index("[profiles.local.rollout]")] + PATIENT_ROLLOUT


def champion_rules(model: dict[str, Any]) -> bool:
    """The first version rules."""
    return model["champion"] is not None


def canary_of(version: int) -> Callable[[dict[str, Any]], bool]:
    """Whether this version has its first share of the traffic, once it is asked of a model."""

    def canary_stands(model: dict[str, Any]) -> bool:
        rollout = model["rollout"]
        found = (rollout["version"], rollout["phase"]) if rollout else None
        return found == (version, "canary")

    return canary_stands
