"""Who may ask a service that stands alone."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure_emulator.certificates import ensure_certificates
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.access_settings import AccessSettings
from backend.app import create_app
from backend.settings import Settings
from tests.backend.conftest import started

FLIGHT = {"distance": 1089, "hour": 17, "origin": "JFK"}
KEYS = ("k" * 32, "another key of forty characters, printed")
AUDIENCE = "api://scoring"


@dataclass
class Issuer:
    """An OpenID Connect issuer over TLS, with keys that can be exchanged."""

    url: str = ""
    asked: int = 0
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    answers: bool = True

    def document(self, path: str) -> dict[str, Any]:
        """What it says at a path."""
        self.asked += 1
        if path == "/keys":
            return {"keys": [self._published(name) for name in self.keys]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def token(self, key: str = "first", signer: Any = None, **changes: Any) -> str:
        """An access token as Entra ID makes them, with some of its claims changed."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600}
        claims |= {"roles": ["Score"], **changes}
        kept = {name: value for name, value in claims.items() if value is not ...}
        return jwt.encode(kept, signer or self.keys[key], "RS256", headers={"kid": key})

    def _published(self, name: str) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key(), as_dict=True)
        return {**public, "kid": name, "use": "sig"}


@pytest.fixture(scope="module")
def private_keys() -> list[rsa.RSAPrivateKey]:
    """Real keys, made once."""
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


@pytest.fixture
def issuer(
    tmp_path: Path, private_keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Issuer]:
    """A running issuer whose certificate the process believes."""
    tls = ensure_certificates(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.bundle))
    issuer = Issuer(keys={"first": private_keys[0]})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(issuer.document(self.path)).encode()
            self.send_response(200 if issuer.answers else 500)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    issuer.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield issuer
    server.shutdown()
    thread.join()
    server.server_close()


def statuses(
    model_dir: Path, access: AccessSettings, headers: list[Any], path: str = "/score"
) -> list[int]:
    """What a service answers to one good request with each of these headers in turn."""

    async def ask() -> list[int]:
        async with started(create_app(Settings(model_dir, access=access))) as client:
            if path != "/score":
                return [(await client.get(path, headers=each)).status_code for each in headers]
            posts = [
                await client.post(path, json={"rows": [FLIGHT]}, headers=each) for each in headers
            ]
            for post in posts:
                assert (post.status_code == 401) == ("www-authenticate" in post.headers)
            return [post.status_code for post in posts]

    return asyncio.run(ask())


def sent(value: str) -> dict[str, str]:
    """The header with a key or token."""
    return {"Authorization": f"Bearer {value}"}


def test_an_api_key_lets_in(backend_models: dict[str, Path]) -> None:
    """Each of the keys does; none, another, a part of one or another scheme does not."""
    access = AccessSettings("key", api_keys=KEYS)
    good = [sent(key) for key in KEYS] + [{"Authorization": f"bearer  {KEYS[0]}"}]
    bad = [{}, sent(""), sent("k" * 31), sent("k" * 33), {"Authorization": f"Basic {KEYS[0]}"}]
    assert statuses(backend_models["late"], access, good + bad) == [200] * 3 + [401] * 5


@pytest.mark.parametrize("path", ["/schema", "/models", "/metrics", "/openapi.json", "/nothing"])
def test_all_but_the_probes_asks_who_calls(backend_models: dict[str, Path], path: str) -> None:
    """Columns, counts and even which paths there are belong to those who may ask."""
    access = AccessSettings("key", api_keys=KEYS)
    anonymous, known = statuses(backend_models["late"], access, [{}, sent(KEYS[0])], path)
    assert anonymous == 401
    assert known in {200, 404}
    for probe in ("/health/live", "/health/ready"):
        assert statuses(backend_models["late"], access, [{}], probe) == [200]


def entra(issuer: Issuer) -> AccessSettings:
    """Settings for tokens of an issuer."""
    url = f"{issuer.url}/.well-known/openid-configuration"
    return AccessSettings("entra", (), url, AUDIENCE, ("Score", "Admin"))


def test_a_token_lets_in(backend_models: dict[str, Path], issuer: Issuer) -> None:
    """One that its issuer signed for this audience with one of the roles; asked for once only."""
    tokens = [issuer.token(), issuer.token(roles=["Other", "Admin"]), issuer.token(aud=[AUDIENCE])]
    headers = [sent(token) for token in tokens * 2]
    assert statuses(backend_models["late"], entra(issuer), headers) == [200] * 6
    assert issuer.asked == 2


def test_other_tokens_do_not(
    backend_models: dict[str, Path], issuer: Issuer, private_keys: list[rsa.RSAPrivateKey]
) -> None:
    """Another issuer, audience, time, signature or kind is 401; another role is 403."""
    good = issuer.token()
    head, claims, signature = good.split(".")
    unsigned = jwt.encode({"iss": issuer.url, "aud": AUDIENCE, "exp": 2**40}, None, "none")
    secret = jwt.encode({"exp": 2**40}, "k" * 32, "HS256", headers={"kid": "first"})
    strangers = [
        issuer.token(iss="https://other"),
        issuer.token(iss=...),
        issuer.token(aud="api://other"),
        issuer.token(aud=...),
        issuer.token(exp=int(time.time()) - 100),
        issuer.token(exp=...),
        issuer.token(nbf=int(time.time()) + 1000),
        issuer.token(signer=private_keys[1]),
        issuer.token("unknown", signer=private_keys[1]),
        f"{head}.{claims}.{signature[::-1]}",
        unsigned,
        secret,
        "no.token.atall",
    ]
    expected = [401] * (len(strangers) + 1) + [403, 403, 403, 200]
    known = [issuer.token(roles=roles) for roles in (["Other"], ..., "Score")]
    headers: list[Any] = [sent(token) for token in [*strangers, *known, good]]
    headers.insert(0, {"Authorization": b"Bearer t\xc3\xb6ken"})
    assert statuses(backend_models["late"], entra(issuer), headers) == expected
    # Neither bad tokens nor unknown keys made the service ask the issuer again and again.
    assert issuer.asked == 2


def test_a_remembered_token_expires(backend_models: dict[str, Path], issuer: Issuer) -> None:
    """Being known ends when the token does, whenever it was checked."""
    from backend.access import guard_from

    now = [time.time()]
    guard = guard_from(entra(issuer), lambda: now[0])
    assert guard is not None
    headers = {b"authorization": f"Bearer {issuer.token()}".encode()}
    assert guard.at_once(headers) is False
    assert asyncio.run(guard.after_asking(headers)) is None
    assert guard.at_once(headers) is True
    now[0] += 700
    assert guard.at_once(headers) is False


def test_an_issuer_that_is_silent_is_not_the_callers_fault(
    backend_models: dict[str, Path], issuer: Issuer
) -> None:
    """Nobody is let in unchecked, and callers are told to come again; one question is enough."""
    issuer.answers = False
    headers = [sent(issuer.token()), sent(issuer.token(aud="x"))]
    assert statuses(backend_models["late"], entra(issuer), headers) == [503, 503]
    assert issuer.asked == 1


ENTRA = {
    "SCORING_AUTH": "entra",
    "SCORING_OPENID_CONFIGURATION": "https://a/b",
    "SCORING_AUDIENCE": "api://a",
    "SCORING_ROLES": "Score, Admin",
}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "SCORING_AUTH must be key, entra or off: nobody else asks who calls"),
        ({"SCORING_AUTH": "no"}, "SCORING_AUTH must be key, entra or off"),
        ({"SCORING_AUTH": "key"}, "SCORING_API_KEYS is needed"),
        ({"SCORING_AUTH": "key", "SCORING_API_KEYS": "short"}, "32 or more ASCII characters"),
        ({**ENTRA, "SCORING_AUDIENCE": ""}, "SCORING_AUDIENCE is needed"),
        ({**ENTRA, "SCORING_ROLES": ""}, "SCORING_ROLES is needed"),
        ({**ENTRA, "SCORING_OPENID_CONFIGURATION": "http://a"}, "must begin with https://"),
    ],
)
def test_a_service_that_stands_alone_does_not_guess(
    environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    """It does not start until somebody has said who may ask, completely."""
    alone = {"SCORING_MODELS_DIR": str(tmp_path)}
    with pytest.raises(ValueError, match=words):
        Settings.from_environment(alone | environment)


def test_access_comes_from_the_environment(tmp_path: Path) -> None:
    """Lists are split at commas; behind a platform nothing need be said."""
    alone = {"SCORING_MODELS_DIR": str(tmp_path)}
    found = Settings.from_environment(alone | ENTRA).access
    assert found == AccessSettings("entra", (), "https://a/b", "api://a", ("Score", "Admin"))
    keyed = Settings.from_environment(
        alone | {"SCORING_AUTH": "key", "SCORING_API_KEYS": ", ".join([KEYS[0], "b" * 32])}
    )
    assert keyed.access.api_keys == (KEYS[0], "b" * 32)
    assert Settings.from_environment(alone | {"SCORING_AUTH": "off"}).access == AccessSettings()
    assert Settings.from_environment({"AZUREML_MODEL_DIR": "/m"}).access == AccessSettings()
