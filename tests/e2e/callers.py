"""Callers of the prediction function: threads that ask all the time and remember answers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

THREADS = 4
THINKING_SECONDS = 0.03
"""Between an answer and the next question: a hundred a second find any gap, and leave the machine
to what is tested."""


@dataclass
class Callers:
    """What a crowd of callers met: (seconds since the epoch, status, deployment) each."""

    port: int
    path: str
    key: str
    row: dict[str, Any]
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def ask_until_stopped(self, port: int) -> None:
        """One caller on one connection; a lost connection counts as status 0."""
        body = json.dumps({"rows": [self.row]}).encode()
        headers = {"x-functions-key": self.key, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            self._ask_on(connection, body, headers)

    def _ask_on(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]
    ) -> None:
        while not self._stop.is_set():
            try:
                connection.request("POST", self.path, body, headers)
                answer = connection.getresponse()
                content, status = answer.read(), answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                self.answers.append((time.time(), 0, ""))
                self._stop.wait(0.1)
                continue
            name = json.loads(content)["model"]["deployment"] if status == 200 else ""
            self.answers.append((time.time(), status, name))
            self._stop.wait(THINKING_SECONDS)

    @property
    def failed(self) -> list[tuple[float, int, str]]:
        """Every answer that was not a prediction."""
        return [answer for answer in self.answers if answer[1] != 200]

    @property
    def by_deployment(self) -> Counter[str]:
        """How many predictions each deployment gave."""
        return Counter(name for _, status, name in self.answers if status == 200)

    def stop(self) -> None:
        """Let every caller finish its question and go."""
        self._stop.set()


@contextmanager
def calling(ports: list[int], model: str, key: str, row: dict[str, Any]) -> Iterator[Callers]:
    """A crowd that asks a model through these hosts until the block ends."""
    callers = Callers(ports[0], f"/api/models/{model}/predict", key, row)
    threads = [
        threading.Thread(target=callers.ask_until_stopped, args=(ports[turn % len(ports)],))
        for turn in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        callers.stop()
        for thread in threads:
            thread.join()
