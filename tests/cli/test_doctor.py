"""`noon doctor` against a real stack, well and with planted faults, each found by its name."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from threading import Thread
from typing import Any

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient
from azure_emulator.certificates import ensure_certificates
from azure_emulator.storage import ACCOUNT_KEY
from azure_emulator.testing import free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from noon.doctor.checks import NAMES
from noon.doctor.finding import State
from noon.doctor.work import aged, late
from noon.local.stack import LocalStack
from tests.cli.conftest import ROOT, cli_environment

Cli = Callable[..., CompletedProcess[str]]
LIBRARIES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass
class Examined:
    """A stack, and what the doctor says of it."""

    stack: LocalStack

    def doctor(self, *arguments: str, **values: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code and each finding by its check."""
        shown = subprocess.run(
            [sys.executable, "-m", "noon", "doctor", "--json", *arguments],
            env=cli_environment(self.stack.home.path, **values),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in shown.stderr, shown.stderr
        report = json.loads(shown.stdout)
        assert report["ok"] == (shown.returncode == 0)
        return shown.returncode, {found["check"]: found for found in report["findings"]}

    @property
    def settings(self) -> dict[str, str]:
        """What a shell has that does not go by the stack's record."""
        record = self.stack.home.record()
        assert record is not None
        return {
            **record.environment,
            "NOON_URL": record.urls["app"],
            "NOON_FUNCTION_KEY": record.keys["function"],
            "NOON_ORDERS_KEY": record.keys["orders"],
            "NOON_ROLLOUT_KEY": record.keys["rollout"],
        }


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """A stack that runs and has nothing to do: no data has landed."""
    ports = {name: free_port() for name in ("functions", "emulator", "blob", "queue", "table")}
    with LocalStack(tmp_path_factory.mktemp("doctor"), preferred_ports=ports) as stack:
        yield Examined(stack)


@dataclass
class Front:
    """A server before the app: passes on what is asked, but for the faults that were planted."""

    app: str
    url: str = ""
    hidden: set[str] = field(default_factory=set)
    """Ends of paths that are not there."""
    skew: timedelta = timedelta()

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if any(path.endswith(end) for end in self.hidden):
            return 404, "text/plain", b""
        request = urllib.request.Request(self.app + path, body or None, method=method)
        request.add_header("x-functions-key", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("content-type", ""), error.read()


@contextmanager
def front(app: str, secured: ssl.SSLContext | None = None, **faults: Any) -> Iterator[Front]:
    """A front that serves while the block runs."""
    known = Front(app, **faults)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            key = self.headers.get("x-functions-key", "")
            status, kind, body = known.answer(self.command, self.path, key, self.rfile.read(length))
            self.send_response_only(status)
            self.send_header("date", format_datetime(datetime.now(UTC) + known.skew, usegmt=True))
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if secured:
            server.socket = secured.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        known.url = f"http{'s' if secured else ''}://127.0.0.1:{server.server_port}"
        yield known
        server.shutdown()
        thread.join()


def states(findings: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """The names of the checks by how they stand."""
    told: dict[str, set[str]] = {state.value: set() for state in State}
    for name, found in findings.items():
        told[found["state"]].add(name)
    return told


def test_a_stack_that_is_well_has_no_faults(examined: Examined) -> None:
    """Everything is looked at and well; without a champion there is no endpoint to ask."""
    code, findings = examined.doctor()
    assert tuple(findings) == NAMES
    told = states(findings)
    assert (code, told["fail"], told["warn"]) == (0, set(), set()), findings
    assert told["skipped"] == {"endpoints", "containers"}
    assert "written, read, deleted" in findings["blobs"]["found"]
    assert "job_finished" in findings["functions"]["found"]


def test_read_only_writes_nothing(examined: Examined) -> None:
    """Who may not write to production looks only."""
    names = ("blobs", "queue", "tables")
    only = [word for name in names for word in ("--only", name)]
    _, findings = examined.doctor("--read-only", *only)
    assert {name: found["found"].partition(" ")[0] for name, found in findings.items()} == {
        "blobs": "listed",
        "queue": "listed",
        "tables": "queried",
    }


def test_planted_faults_are_found_by_name(examined: Examined, tmp_path: Path) -> None:
    """A wrong key, a function that is missing, a clock that is wrong, another checkout's
    components, poison and dead letters: each is told by its own check, and nothing else is."""
    settings = examined.settings
    components = tmp_path / "components"
    shutil.copytree(ROOT / "training_components", components)
    (components / "train" / "changed.py").touch()
    options = {"credential": ACCOUNT_KEY, "connection_verify": settings["REQUESTS_CA_BUNDLE"]}
    poison, notices = (
        QueueClient(settings["NOON_QUEUE_URL"], f"noon-{name}-poison", **options)
        for name in ("reconcile", "notices")
    )
    letters = ContainerClient.from_container_url(settings["NOON_DEAD_LETTER_URL"], **options)
    faults = {"hidden": {"/train"}, "skew": timedelta(minutes=10)}
    with poison, notices, letters, front(settings["NOON_URL"], **faults) as before:
        for queue in (poison, notices):
            queue.create_queue()
            queue.send_message("never understood")
        if not letters.exists():
            letters.create_container()
        letters.upload_blob("topic/1.json", b"[]")
        changed = {
            "NOON_URL": before.url,
            "NOON_ROLLOUT_KEY": "wrong",
            "NOON_COMPONENTS_DIR": str(components),
        }
        code, findings = examined.doctor(**(settings | changed))
        poison.delete_queue()
        _, again = examined.doctor("--only", "poison")
        notices.delete_queue()
        letters.delete_blob("topic/1.json")
    told = states(findings)
    assert code == 1
    assert told["fail"] == {"clock", "functions", "keys"}, findings
    assert told["warn"] == {"release", "poison", "dead-letters"}, findings
    assert "behind the app" in findings["clock"]["found"]
    assert findings["functions"]["found"] == "missing: train"
    assert findings["keys"]["found"] == "refused: NOON_ROLLOUT_KEY"
    assert "1 message in noon-reconcile-poison" in findings["poison"]["found"]
    assert ", and 1 message in noon-notices-poison" in findings["poison"]["found"]
    assert again["poison"]["found"].startswith("1 message in noon-notices-poison")
    assert all(findings[name]["advice"] for name in told["fail"] | told["warn"])


def test_wrong_settings_files_and_certificates_are_found(
    examined: Examined, tmp_path: Path
) -> None:
    """Certificates of somebody else, and a model file that is no TOML, are told as what they
    are."""
    other = str(ensure_certificates(tmp_path / "other").bundle)
    (tmp_path / "broken.toml").write_text("name = ")
    changed = {**dict.fromkeys(LIBRARIES, other), "NOON_MODELS_DIR": str(tmp_path)}
    code, findings = examined.doctor(**(examined.settings | changed))
    told = states(findings)
    assert code == 1
    assert {"certificates", "models", "identity"} <= told["fail"], findings
    assert "app" in told["ok"]
    assert "unable to get local issuer certificate" in findings["certificates"]["found"]
    assert other in findings["certificates"]["advice"]
    assert "broken.toml" in findings["models"]["found"]


def test_an_expired_certificate_is_told_as_that(examined: Examined, tmp_path: Path) -> None:
    """It was right once, which is another trouble than to be somebody else's; a setting that is
    missing is named besides."""
    settings = examined.settings
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_expired(examined.stack.home.path / "tls", tmp_path))
    with front(settings["NOON_URL"], context) as before:
        changed = {"NOON_URL": before.url, "NOON_WORKSPACE": ""}
        arguments = [
            word for n in ("certificates", "settings", "models", "app") for word in ("--only", n)
        ]
        code, findings = examined.doctor(*arguments, **(settings | changed))
    assert code == 1
    assert "certificate has expired" in findings["certificates"]["found"]
    assert "its certificate is not accepted" in findings["app"]["found"]
    assert "NOON_WORKSPACE" in findings["settings"]["found"]
    assert findings["models"]["state"] == "skipped"


def _expired(tls: Path, folder: Path) -> Path:
    """A certificate of the stack's own authority, with its key, that ended yesterday."""
    server = x509.load_pem_x509_certificate((tls / "cert.pem").read_bytes())
    key = serialization.load_pem_private_key((tls / "ca-key.pem").read_bytes(), None)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(server.subject)
        .issuer_name(server.issuer)
        .public_key(server.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(yesterday - timedelta(days=30))
        .not_valid_after(yesterday)
    )
    for extension in server.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]
    path = folder / "expired.pem"
    path.write_bytes(made + (tls / "key.pem").read_bytes())
    return path


def test_a_server_that_never_answers_costs_no_more_than_the_time_limit(noon_cli: Cli) -> None:
    """What hangs is told as that; the doctor does not hang with it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shown = noon_cli("doctor", "--timeout", "2", "--only", "app", NOON_URL=url)
    assert shown.returncode == 1
    assert "no answer within 2 s" in shown.stdout


def test_without_a_stack_the_doctor_says_how_to_start_one(noon_cli: Cli) -> None:
    """A new machine gets a report, not a traceback; what cannot be looked at is skipped."""
    shown = noon_cli("doctor")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert "start one with noon up" in shown.stdout
    assert "1 fail" in shown.stdout


def test_storage_that_stopped_is_found(examined: Examined) -> None:
    """Each of the three services is named, in the time of one."""
    examined.stack.kill("storage")
    try:
        code, findings = examined.doctor()
    finally:
        examined.stack.restart("storage")
    told = states(findings)
    assert code == 1
    assert {"blobs", "queue", "tables", "landing"} <= told["fail"], findings
    assert all("nobody listens there" in findings[name]["found"] for name in ("blobs", "queue"))
    assert {"app", "identity", "certificates", "clock", "functions", "keys"} <= told["ok"]


AGES = [(0, State.OK), (119, State.OK), (120, State.WARN), (899, State.WARN), (900, State.FAIL)]


@pytest.mark.parametrize(("seconds", "state"), AGES)
def test_a_message_that_waits_long_is_told(seconds: float, state: State) -> None:
    """Two minutes are strange, a quarter of an hour means that nobody takes messages."""
    assert aged(3, timedelta(seconds=seconds)).state is state


def test_models_that_are_overdue_are_named_worst_first() -> None:
    """A tick that does not come is seen by what it should have looked at."""
    waits = {f"m{minutes}": timedelta(minutes=minutes) for minutes in (1, 4, 9, 12, 5)}
    found = late(waits)
    assert found.state is State.WARN
    assert found.text == "m12, m9, m5 and 1 more should have been looked at 12 min ago"
    assert late(waits | {"m20": timedelta(minutes=20)}).state is State.FAIL
    assert late({"m1": timedelta(minutes=1)}).state is State.OK
