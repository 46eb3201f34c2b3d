"""A GitHub on loopback: one repository's issues and one installed app, in the published shapes.

Written after docs.github.com/en/rest (issues, comments, apps, rate limits), version 2022-11-28.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

APP_ID, INSTALLATION_ID, REPOSITORY = "424242", 7001, "octo/flights"
BODY_MAX, TITLE_MAX, LABEL_MAX = 65536, 256, 50
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass
class Fault:
    """What one call meets instead of its answer."""

    method: str
    path: str
    """A pattern of the path below the repository, or of the whole path."""
    status: int = 0
    """0: the connection is cut."""
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    after: bool = False
    """The call had its effect before."""


@dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]
    token: str


@cache
def key_of(owner: str) -> rsa.RSAPrivateKey:
    """A key, which takes a moment to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class GitHub:
    """The state of the repository."""

    def __init__(self, owner: str) -> None:
        key = key_of(owner)
        self.private_key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
        self._public_key = key.public_key()
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.deleted: set[int] = set()
        self.tokens: dict[str, datetime] = {}
        self.token_minutes = 60.0
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.url = ""

    def fault(self, call: Call) -> Fault | None:
        """What this call meets, once."""
        for fault in self.faults:
            if fault.method == call.method and re.search(fault.path, call.path):
                self.faults.remove(fault)
                return fault
        return None

    def handle(self, call: Call) -> tuple[int, dict[str, str], Any]:
        """The answer of one call: status, headers, content."""
        if call.path == f"/app/installations/{INSTALLATION_ID}/access_tokens":
            return self._token(call)
        kind, _, token = call.token.partition(" ")
        ends_at = self.tokens.get(token)
        if (
            kind.lower() not in ("token", "bearer")
            or ends_at is None
            or ends_at < datetime.now(UTC)
        ):
            return self._no(401, "Bad credentials")
        prefix = f"/repos/{REPOSITORY}"
        if not call.path.startswith(prefix):
            return self._no(404, "Not Found")
        path = call.path.removeprefix(prefix)
        found = re.fullmatch(r"/issues/(\d+)(/comments)?", path)
        if path == "/issues":
            return self._list(call) if call.method == "GET" else self._create(call)
        if found is None:
            return self._no(404, "Not Found")
        number = int(found[1])
        if number in self.deleted:
            return self._no(410, "This issue was deleted")
        if number not in self.issues:
            return self._no(404, "Not Found")
        return self._comments(call, number) if found[2] else self._one(call, number)

    def _token(self, call: Call) -> tuple[int, dict[str, str], Any]:
        kind, _, token = call.token.partition(" ")
        try:
            claims = jwt.decode(token, self._public_key, algorithms=["RS256"], issuer=APP_ID)
        except jwt.PyJWTError as error:
            return self._no(401, f"A JSON web token could not be decoded: {error}")
        if kind != "Bearer" or claims["exp"] - claims["iat"] > 660:
            return self._no(401, "'Expiration time' claim ('exp') is too far in the future")
        ends_at = datetime.now(UTC) + timedelta(minutes=self.token_minutes)
        made = f"ghs_{len(self.tokens):036}"
        self.tokens[made] = ends_at
        content = {
            "token": made,
            "expires_at": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}",
            "permissions": {"issues": "write", "metadata": "read"},
            "repository_selection": "selected",
        }
        return 201, {}, content

    def _list(self, call: Call) -> tuple[int, dict[str, str], Any]:
        query = {name: values[0] for name, values in call.query.items()}
        wanted = set(filter(None, query.get("labels", "").split(",")))
        found = [
            issue
            for issue in self.issues.values()
            if issue["number"] not in self.deleted
            and wanted <= {label["name"] for label in issue["labels"]}
            and query.get("state", "open") in ("all", issue["state"])
        ]
        found.sort(key=lambda issue: issue["number"], reverse=query.get("direction") != "asc")
        return self._page(call, found)

    def _page(self, call: Call, found: list[Any]) -> tuple[int, dict[str, str], Any]:
        size = int(call.query.get("per_page", ["30"])[0])
        page = int(call.query.get("page", ["1"])[0])
        shown = found[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(found):
            others = "&".join(f"{k}={v[0]}" for k, v in call.query.items() if k != "page")
            headers["Link"] = f'<{self.url}{call.path}?{others}&page={page + 1}>; rel="next"'
        return 200, headers, shown

    def _create(self, call: Call) -> tuple[int, dict[str, str], Any]:
        number = len(self.issues) + 1
        refused = self._checked(call.body, title_needed=True)
        if refused:
            return refused
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.issues[number] = {
            "id": 1000 + number,
            "number": number,
            "url": f"{self.url}/repos/{REPOSITORY}/issues/{number}",
            "comments_url": f"{self.url}/repos/{REPOSITORY}/issues/{number}/comments",
            "html_url": f"https://github.com/{REPOSITORY}/issues/{number}",
            "title": call.body["title"],
            "body": call.body.get("body"),
            "state": "open",
            "state_reason": None,
            "labels": [{"name": name} for name in call.body.get("labels", [])],
            "user": {"login": "noon[bot]", "type": "Bot"},
            "created_at": now,
            "updated_at": now,
            "closed_at": None,
        }
        self.comments[number] = []
        return 201, {}, self.issues[number]

    def _one(self, call: Call, number: int) -> tuple[int, dict[str, str], Any]:
        if call.method == "PATCH":
            refused = self._checked(call.body, title_needed=False)
            if refused:
                return refused
            self.issues[number] |= {
                name: value
                for name, value in call.body.items()
                if name in ("title", "body", "state")
            }
        return 200, {}, self.issues[number]

    def _comments(self, call: Call, number: int) -> tuple[int, dict[str, str], Any]:
        known = self.comments[number]
        if call.method == "GET":
            since = call.query.get("since", [""])[0]
            return self._page(call, [each for each in known if each["updated_at"] >= since])
        if not call.body.get("body") or len(call.body["body"]) > BODY_MAX:
            return self._no(422, "Validation Failed")
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        url = f"{self.url}/repos/{REPOSITORY}/issues/comments/{len(known)}"
        made = {"id": len(known), "url": url, "body": call.body["body"], "updated_at": now}
        known.append(made)
        return 201, {}, made

    def _checked(
        self, body: dict[str, Any], *, title_needed: bool
    ) -> tuple[int, dict[str, str], Any] | None:
        title = body.get("title") or ""
        bad = (
            (title_needed and not title)
            or len(title) > TITLE_MAX
            or len(body.get("body") or "") > BODY_MAX
            or any(len(name) > LABEL_MAX for name in body.get("labels", []))
            or body.get("state", "open") not in ("open", "closed")
        )
        return self._no(422, "Validation Failed") if bad else None

    @staticmethod
    def _no(status: int, message: str) -> tuple[int, dict[str, str], Any]:
        content = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        return status, {}, content


class Handler(BaseHTTPRequestHandler):
    """Answers requests from the state of its server."""

    protocol_version = "HTTP/1.1"
    server: GitHubServer

    def answer(self) -> None:
        """Take in a request, whatever its method; a fault may have it."""
        github, parts = self.server.github, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "")
        content = json.loads(body) if body else {}
        call = Call(self.command, parts.path, parse_qs(parts.query), content, token)
        github.calls.append(call)
        fault = github.fault(call)
        answered = github.handle(call) if fault is None or fault.after else None
        if fault is None:
            assert answered is not None
            self.send(*answered)
        elif fault.status == 0:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            told = {"message": fault.message, "documentation_url": DOCUMENTATION}
            self.send(fault.status, fault.headers, told)

    def send(self, status: int, headers: dict[str, str], content: Any) -> None:
        """Send an answer with the limits that GitHub puts on each."""
        body = json.dumps(content).encode()
        self.send_response(status)
        limits = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999"}
        for name, value in (limits | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        """Nothing: the calls are kept."""

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names that the base class calls


class GitHubServer(ThreadingHTTPServer):
    """One GitHub at a port."""

    daemon_threads = True
    github: GitHub


@contextmanager
def served(owner: str = "noon") -> Iterator[GitHub]:
    """A GitHub at its own port, for as long as the block runs."""
    github = GitHub(owner)
    server = GitHubServer(("127.0.0.1", 0), Handler)
    server.github = github
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
