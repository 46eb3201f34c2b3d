"""Whether what was deployed works: how `noon deploy check` and `canary` fail, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from noon.client import AppClient
from noon.commands.canary import Patience, _ask, _come_back, _fleet
from noon.failures import CommandError


@dataclass
class Host:
    """A function app that answers what it was told, the last answer again and again."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def client(self) -> AppClient:
        """How the command reaches it."""
        return AppClient(self.url, "key")

    def next(self) -> tuple[int, Any]:
        """The answer to the next request."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def host() -> Iterator[Host]:
    """An app on a free port."""
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            host.asked.append(self.path)
            status, answer = host.next()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = _do  # noqa: N815 - the names that the server looks for

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        host.url = f"http://127.0.0.1:{server.server_port}"
        yield host
        server.shutdown()
        thread.join()


class Watch:
    """A clock that goes on only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def patience(self, seconds: float) -> Patience:
        """Patience that takes no time."""
        return Patience(seconds, lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


NOTHING = (404, {"title": "nothing found", "detail": "nothing is known of the canary"})


def link(code: str, *actions: str) -> dict[str, Any]:
    """A chain of one link, as the app tells it."""
    facts = {"decision": "d1", "actions": list(actions)}
    return {"links": [{"reasons": [{"code": code, "text": ""}], "facts": facts}]}


def test_a_canary_that_is_late_is_waited_for(host: Host) -> None:
    """Event Grid takes its time, and a new app answers 503 at first."""
    host.answers = [(503, {}), NOTHING, (200, link("canary"))]
    watch = Watch()
    found = _come_back(host.client, "3f2a", watch.patience(60))
    assert found["facts"]["decision"] == "d1"
    assert host.asked == ["/api/why/_canary/3f2a"] * 3
    assert watch.now == 4


def test_a_canary_that_never_comes_back_fails_at_its_deadline(host: Host) -> None:
    """And it is said where to look."""
    host.answers = [NOTHING]
    with pytest.raises(CommandError, match=r"has not come back after 60 s: .*--dead-letter"):
        _come_back(host.client, "3f2a", Watch().patience(60))


@pytest.mark.parametrize("told", [link("unread"), link("canary", "submit a job")])
def test_a_canary_that_is_taken_for_something_else_fails(host: Host, told: Any) -> None:
    """An app that does not know canaries, or does something about them, is the wrong one."""
    host.answers = [(200, told)]
    with pytest.raises(CommandError, match="not in nothing"):
        _come_back(host.client, "3f2a", Watch().patience(60))


def test_a_key_that_opens_nothing_is_told_at_once(host: Host) -> None:
    """Waiting would not help."""
    host.answers = [(401, {})]
    watch = Watch()
    with pytest.raises(CommandError, match="the key was refused"):
        _come_back(host.client, "3f2a", watch.patience(60))
    with pytest.raises(CommandError, match="the key was refused"):
        _fleet(host.client)
    assert watch.now == 0


def test_an_app_that_does_not_start_fails_at_the_deadline(host: Host) -> None:
    """A host that shows no functions answers 404 to everything."""
    host.answers = [(404, {})]
    patience = Watch().patience(30)
    with pytest.raises(CommandError, match="no answer after 30 s"):
        patience.wait(lambda: _fleet(host.client), "no answer")


def test_a_model_without_a_champion_is_not_asked(host: Host) -> None:
    """On the first day there is nothing to predict with."""
    asked = _ask(host.client, {"model": "flights", "champion": None})
    assert asked == {"champion": None, "predictions": 0}
    assert host.asked == []
