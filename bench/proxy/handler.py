"""Noon's handler of predictions by itself: with state in memory, without a Functions host."""

from __future__ import annotations

import os
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken

from bench.proxy.asgi import TOKEN, Receive, Scope, Send, respond, whole_body
from shared.adapters.clock import SystemClock
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.state import MemoryStateStore
from shared.adapters.model_files import load_models
from shared.adapters.scorer import AzureScorer
from shared.application.plane import ControlPlane
from shared.application.predict import Predictions
from shared.collector import settle
from shared.domain.state import Address, ModelState
from shared.ports import Ports

MODELS = Path(__file__).resolve().parents[2] / "models"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class _Identity:
    """A token that lasts; the real one is fetched beside the requests, too."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """The token."""
        return AccessToken(TOKEN, int(NEVER.timestamp()))


def predictions() -> Predictions:
    """The handler over memory."""
    state = MemoryStateStore()
    address = Address(os.environ["BENCH_UPSTREAM"], 1, "v1-e1")
    state.save(ModelState("flights", datetime.now(UTC), NEVER, address=address), "")
    parts = {"clock": SystemClock(), "state": state, "health": MemoryHealthWindow()}
    # What predictions do not touch is not there.
    unused: Any = {field.name: None for field in fields(Ports)}
    nothing: Any = None
    plane = ControlPlane(Ports(**(unused | parts)), load_models(MODELS), "", "", nothing, nothing)
    scorer = AzureScorer(_Identity())
    return Predictions(plane, {"managed_endpoint": scorer}, "bench")


_predictions = predictions()
settle()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    answer = await _predictions.answer("flights", await whole_body(receive))
    await respond(send, answer.status, answer.body, answer.content_type)
