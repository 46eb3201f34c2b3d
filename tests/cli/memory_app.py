"""A function app whose control plane lives in memory, behind real HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.application import (
    decision_pages,
    fleet,
    model_detail,
    rollout_view,
    runs,
    versions,
    why,
)
from shared.application.orders import take_order
from shared.application.plane import ControlPlane
from shared.application.problems import Answer, problem
from shared.domain.errors import MalformedError, NotFoundError
from tests.application.conftest import World

KEYS = {"function": "function-key", "rollout": "rollout-key"}

Look = Callable[..., dict[str, Any]]
READS: dict[str, Look] = {
    "": model_detail.model_detail,
    "versions": versions.versions,
    "runs": runs.runs,
    "rollout": rollout_view.rollout_view,
    "decisions": decision_pages.decisions,
}
"""What is read, by the last part of its path."""
PARAMETERS: dict[str, Callable[[str], Any]] = {"limit": int, "kind": lambda text: text.split(",")}


@dataclass
class App:
    """The app; `lock` is held while it works."""

    world: World
    url: str = ""
    lock: RLock = field(default_factory=RLock)
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Every request, and the status that it was answered with."""
    broken: bool = False
    """Every request is answered 503."""

    @property
    def settings(self) -> dict[str, str]:
        """What a shell needs to reach it."""
        return {
            "NOON_URL": self.url,
            "NOON_FUNCTION_KEY": KEYS["function"],
            "NOON_ROLLOUT_KEY": KEYS["rollout"],
        }

    def go_on(self, minutes: int = 1) -> None:
        """Time passes, with callers."""
        with self.lock:
            self.world.go_on(minutes, callers=200)

    def answer(self, method: str, path: str, key: str, body: bytes) -> Answer:
        """What the function of this route answers."""
        if self.broken:
            return problem(503, "cannot look it up", "storage is away")
        if key != KEYS["function" if method == "GET" else "rollout"]:
            return Answer(401, b"")
        with self.lock:
            return _answered(self.world.plane, method, path, body)


def _answered(plane: ControlPlane, method: str, path: str, body: bytes) -> Answer:
    parts = urlsplit(path)
    query = dict(parse_qsl(parts.query))
    match (method, *(unquote(part) for part in parts.path.strip("/").split("/"))):
        case ("GET", "api", "models"):
            return _read(lambda: fleet.fleet(plane))
        case ("GET", "api", "models", model):
            return _model(plane, model, "", query)
        case ("GET", "api", "models", model, part) if part in READS:
            return _model(plane, model, part, query)
        case ("GET", "api", "why", *thing):
            return why.answer(plane, "/".join(thing), query.get("model", ""))
        case ("POST", "api", "models", model, "rollout", verb):
            return take_order(plane, model, verb, body)
    return Answer(404, b"{}")


def _model(plane: ControlPlane, model: str, part: str, query: dict[str, str]) -> Answer:
    asked = {name: PARAMETERS.get(name, str)(text) for name, text in query.items()}
    return _read(lambda: READS[part](plane, model, **asked))


def _read(look: Callable[[], dict[str, Any]]) -> Answer:
    try:
        return Answer(200, json.dumps(look(), default=_text).encode())
    except NotFoundError as error:
        return problem(404, "unknown model", str(error))
    except MalformedError as error:
        return problem(400, "wrong parameter", str(error))


def _text(value: object) -> str:
    assert isinstance(value, datetime), value
    return value.isoformat()


@contextmanager
def serving(world: World) -> Iterator[App]:
    """The app of a world, while the block runs."""
    app = App(world)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Be quiet."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            key = self.headers.get("x-functions-key", "")
            answer = app.answer(self.command, self.path, key, body)
            etag = f'"{hashlib.sha256(answer.body).hexdigest()}"'
            known = answer.status == 200 and self.headers.get("if-none-match") == etag
            status, content = (304, b"") if known else (answer.status, answer.body)
            app.asked.append((self.path, status))
            self.send_response(status)
            self.send_header("etag", etag)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        app.url = f"http://127.0.0.1:{server.server_port}"
        yield app
        server.shutdown()
        thread.join()
