"""Plain scoring requests answered where they are parsed; all others go the way of ASGI.

ASGI's part of a request (a scope, a task, messages there and back, the head and the body of the
answer each in a system call of its own) costs more than scoring a row does. A small body has
arrived together with its head: there is nothing to wait for, so nothing that needs a task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    from backend.app import ScoringService
    from backend.batching import Batcher
    from backend.models import Models
    from backend.route import RawHeaders

_WAYS_OF_ASGI = (b"content-encoding", b"expect", b"transfer-encoding", b"upgrade")
"""Who sends one of these headers wants more than a plain answer."""


class DirectAnswers(HttpToolsProtocol):
    """uvicorn's protocol, which answers what is plain by itself.

    Plain is a POST to a model's path, over a connection that is kept, with a small body that has
    arrived whole, from a caller who is known at once. `ScoreRoute` decides about the answer here
    as there.
    """

    service: ScoringService
    """Set by `direct_answers`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plain: Models | None = None
        self._known_headers: dict[bytes, bytes] = {}
        self._body = b""
        self._owing: Batcher | None = None
        """With whom the connection's last request waits for its answer."""

    def data_received(self, data: bytes) -> None:
        """Some bytes have come: none, one or several requests."""
        super().data_received(data)
        if self._plain is not None:
            # Its body is still on its way: that can take long, and is watched over there.
            self._hand_over()

    def on_message_begin(self) -> None:
        """A request begins; its scope is made when somebody needs it."""
        self._settle()
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """The head is there: take the request over, or leave it to the app."""
        self._plain = self._plain_request()
        self._body = b""
        if self._plain is None:
            self._begin_scope()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._plain is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """The request is there."""
        models, self._plain = self._plain, None
        if models is None:
            super().on_message_complete()
            return
        self._owing = self.service.scoring.answer_soon(
            models, self._known_headers, self._body, self._answer
        )

    def send_400_response(self, msg: str) -> None:
        """What follows a request is not HTTP: the connection ends, but for its answer."""
        self._settle()
        super().send_400_response(msg)

    def eof_received(self) -> None:
        """The caller has said all and listens on."""
        self._settle()

    def shutdown(self) -> None:
        """The server stops, but for what was asked."""
        self._settle()
        super().shutdown()

    def _answer(self, status: int, headers: RawHeaders, content: bytes) -> None:
        self._owing = None
        if not self.transport.is_closing():
            head = [STATUS_LINE[status]]
            for name, value in (*self.server_state.default_headers, *headers):
                head += (name, b": ", value, b"\r\n")
            self.transport.write(b"".join((*head, b"\r\n", content)))
        self.on_response_complete()

    def _settle(self) -> None:
        """Answers leave in the order of their requests."""
        if self._owing is not None:
            self._owing.score_all()

    def _plain_request(self) -> Models | None:
        """The models that are asked, if nothing about the request is out of the ordinary."""
        models = self.service.loading.by_path.get(self.url.decode("latin-1"))
        if models is None or self.parser.get_method() != b"POST":
            return None
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.flow.write_paused or self.transport.is_closing():
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return None
        headers = self._known_headers = dict(self.headers)
        if any(name in headers for name in _WAYS_OF_ASGI):
            return None
        return models if self.service.scoring.at_once(headers) else None

    def _hand_over(self) -> None:
        body, self._plain = self._body, None
        self._begin_scope()
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _begin_scope(self) -> None:
        """What uvicorn does when a message begins, but with the head that has come since."""
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers += headers


def direct_answers(service: ScoringService) -> type[DirectAnswers]:
    """The protocol for one service; what uvicorn takes as `http`."""
    return type("DirectAnswersOfService", (DirectAnswers,), {"service": service})
