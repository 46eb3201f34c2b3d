"""Talks to the function app over HTTP, as any caller of it would."""

from __future__ import annotations

import json
import os
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from noon.failures import CommandError, NotRunningError, UsageError
from noon.home import find_home

if TYPE_CHECKING:
    from collections.abc import Sequence

ERRORS_SHOWN = 5


class AppRefusedError(CommandError):
    """The app answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _UnchangedError(Exception):
    """304: the document is the one that we have."""


@dataclass(frozen=True, slots=True)
class AppClient:
    """One function app; every call is one request."""

    url: str
    function_key: str = ""
    orders_key: str = ""
    rollout_key: str = ""
    timeout_seconds: float = 30.0

    def healthy(self) -> bool:
        """Say whether the app answers."""
        try:
            self._ask("GET", "/api/health", "")
        except CommandError:
            return False
        return True

    def fleet(self) -> list[dict[str, Any]]:
        """Give every model at a glance, by name."""
        models: list[dict[str, Any]] = self.read("/api/models")["models"]
        return models

    def model(self, name: str, part: str = "", **asked: str | int) -> dict[str, Any]:
        """Give one model in full, or its `versions`, `runs`, `rollout` or `decisions`."""
        return self.read(model_path(name, part, **asked))

    def known(self, name: str, part: str, **asked: str | int) -> dict[str, Any]:
        """The same for a name that a person wrote; raises UsageError for one that is unknown."""
        try:
            return self.model(name, part, **asked)
        except AppRefusedError as error:
            if error.status != 404:
                raise
            raise UsageError(str(error)) from None

    def read(self, path: str) -> dict[str, Any]:
        """Give a document of the API; raises AppRefusedError when there is none."""
        return self._ask("GET", path, self.function_key)

    def read_unless(self, path: str, etag: str) -> tuple[dict[str, Any] | None, str]:
        """Give a document and its ETag; None when it is still that of the ETag given."""
        try:
            return self._answered("GET", path, self.function_key, None, etag)
        except _UnchangedError:
            return None, etag

    def why(self, thing: str, model: str = "") -> dict[str, Any]:
        """Give the chain behind an id."""
        asked = f"?model={quote(model, safe='')}" if model else ""
        return self._ask("GET", f"/api/why/{quote(thing)}{asked}", self.function_key)

    def train(self, model: str, because: str, who: str) -> str:
        """Order a training and give the order's id."""
        path = f"/api/models/{quote(model, safe='')}/train"
        return self._order(path, self.orders_key, because, who)

    def steer(self, model: str, verb: str, because: str, who: str) -> str:
        """Order `pause`, `resume`, `proceed`, `abort`, `rollback` or `accept`; the order's id."""
        path = f"/api/models/{quote(model, safe='')}/rollout/{quote(verb, safe='')}"
        return self._order(path, self.rollout_key, because, who)

    def predict(self, model: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Score rows with the model's champion."""
        body = {"rows": list(rows)}
        return self._ask("POST", f"/api/models/{quote(model)}/predict", self.function_key, body)

    def _order(self, path: str, key: str, because: str, who: str) -> str:
        answer = self._ask("POST", path, key, {"because": because, "who": who})
        return str(answer["order_id"])

    def _ask(
        self, method: str, path: str, key: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return self._answered(method, path, key, body, "")[0]

    def _answered(
        self, method: str, path: str, key: str, body: dict[str, Any] | None, etag: str
    ) -> tuple[dict[str, Any], str]:
        headers = {"x-functions-key": key, "content-type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body, allow_nan=False).encode(),
            headers=headers | ({"if-none-match": etag} if etag else {}),
        )
        try:
            with self._opener().open(request, timeout=self.timeout_seconds) as response:
                answer: dict[str, Any] = json.load(response)
                return answer, str(response.headers.get("etag") or "")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 304:
                    raise _UnchangedError from None
                raise AppRefusedError(error.code, _refusal(error)) from None
        except (OSError, ssl.SSLError) as error:
            raise NotRunningError(self._unreachable(error)) from None
        except ValueError:
            raise CommandError(
                f"{self.url}{path} did not answer in JSON: is it a Noon app?"
            ) from None

    def _opener(self) -> urllib.request.OpenerDirector:
        if urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1"):
            # A proxy of the shell cannot reach this machine's loopback interface.
            return urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return urllib.request.build_opener()

    def _unreachable(self, error: OSError) -> str:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionRefusedError):
            return f"nobody listens at {self.url}: the stack is not running; start it: noon up"
        if isinstance(reason, TimeoutError | socket.timeout):
            return f"{self.url} did not answer within {self.timeout_seconds:.0f} s: try again"
        return f"{self.url} cannot be reached ({reason}): check NOON_URL, or start it: noon up"


@dataclass(slots=True)
class Polled:
    """A document that is asked for again and again; while it is the same, that costs no body."""

    app: AppClient
    path: str
    _etag: str = ""
    _document: dict[str, Any] | None = None

    def read(self) -> tuple[dict[str, Any], bool]:
        """Give the document as it is now, and whether it is another one than before."""
        document, self._etag = self.app.read_unless(self.path, self._etag)
        if document is None:
            assert self._document is not None
            return self._document, False
        changed, self._document = document != self._document, document
        return document, changed


def model_path(name: str, part: str = "", **asked: str | int) -> str:
    """Give the path of a model's document, with what is asked of it."""
    path = f"/api/models/{quote(name, safe='')}{f'/{part}' if part else ''}"
    query = urlencode({key: value for key, value in asked.items() if value != ""}, safe=",")
    return f"{path}?{query}" if query else path


def find_app() -> AppClient:
    """Give the app of NOON_URL with its keys, else the one of the local stack."""
    if url := os.environ.get("NOON_URL"):
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"NOON_URL must begin with https:// or http://, not {url!r}")
        return AppClient(
            url.rstrip("/"),
            os.environ.get("NOON_FUNCTION_KEY", ""),
            os.environ.get("NOON_ORDERS_KEY", ""),
            os.environ.get("NOON_ROLLOUT_KEY") or os.environ.get("NOON_ORDERS_KEY", ""),
        )
    home = find_home()
    record = home.record()
    if home.runner() is None or record is None:
        raise NotRunningError(
            f"no stack of {home.path} is running: start it with `noon up`, or set NOON_URL and "
            "NOON_FUNCTION_KEY"
        )
    if "app" not in record.urls:
        raise NotRunningError(f"the stack of {home.path} is still starting: try again soon")
    return AppClient(
        record.urls["app"],
        os.environ.get("NOON_FUNCTION_KEY") or record.keys.get("function", ""),
        os.environ.get("NOON_ORDERS_KEY") or record.keys.get("orders", ""),
        os.environ.get("NOON_ROLLOUT_KEY")
        or os.environ.get("NOON_ORDERS_KEY")
        or record.keys.get("rollout", ""),
    )


def find_page() -> str:
    """Give the address of the local stack's web UI; empty when there is none, or NOON_URL rules."""
    if os.environ.get("NOON_URL"):
        return ""
    record = find_home().record()
    return record.urls.get("webui", "") if record else ""


def _refusal(error: urllib.error.HTTPError) -> str:
    """Say in one sentence what the app refused, from its problem+json when there is one."""
    if error.code == 401:
        return (
            "the key was refused: set NOON_FUNCTION_KEY; for orders NOON_ORDERS_KEY (train) or "
            "NOON_ROLLOUT_KEY (pause, resume, proceed, abort, rollback, accept)"
        )
    try:
        problem = json.loads(error.read())
    except (ValueError, OSError):
        problem = {}
    if not isinstance(problem, dict) or not problem.get("title"):
        return f"the app answered {error.code} {error.reason}"
    said = [str(problem[key]) for key in ("title", "detail", "what_to_do") if problem.get(key)]
    text = ": ".join(said)
    errors = [e for e in problem.get("errors") or () if isinstance(e, dict)]
    lines = [_row_error(e) for e in errors[:ERRORS_SHOWN]]
    if len(errors) > ERRORS_SHOWN:
        lines.append(f"and {len(errors) - ERRORS_SHOWN} more")
    return "\n  ".join([text, *lines])


def _row_error(error: dict[str, Any]) -> str:
    column = f", column {error['column']!r}" if error.get("column") else ""
    return f"row {error.get('row')}{column}: {error.get('reason')}"
