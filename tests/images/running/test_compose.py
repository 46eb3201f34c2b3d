"""compose.yaml as a whole: everything starts, a model is trained, and every image takes part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure_emulator.testing import free_port, wait_until

from images.catalogue import IMAGES
from noon.client import AppClient, AppRefusedError
from noon.failures import NotRunningError
from tests.images.running.containers import Podman

pytestmark = pytest.mark.timeout(1500)

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = Path(sys.executable).with_name("podman-compose")
START_SECONDS = 300.0
CHAMPION_SECONDS = 600.0
DAYS = {"NOON_FLIGHTS_FROM": "2013-01-01", "NOON_FLIGHTS_TO": "2013-01-31"}


@dataclass(frozen=True, slots=True)
class Stack:
    """The services of one project."""

    podman: Podman
    project: str
    file: Path
    app_url: str
    page_url: str

    def compose(self, *arguments: str) -> str:
        """Run one command of compose to its end."""
        command = [str(COMPOSE), "--file", str(self.file), "--project-name", self.project]
        done = subprocess.run(
            [*command, *arguments],
            env=self.podman.environment | DAYS,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def container(self, service: str) -> str:
        """The container of a service."""
        return f"{self.project}_{service}_1"

    def logs(self) -> str:
        """The end of what every service said."""
        names = self.podman(
            "ps", "--all", "--format={{.Names}}", f"--filter=name={self.project}_"
        ).stdout.split()
        told = []
        for name in names:
            done = self.podman("logs", "--tail=25", name, check=False)
            told.append(f"--- {name}\n{done.stdout}{done.stderr}")
        return "\n".join(told)

    def left(self) -> list[str]:
        """What is still there of it: containers, volumes, networks."""
        listed = [
            self.podman(*command, "--format={{.Name}}", f"--filter=name={self.project}_")
            for command in (("volume", "ls"), ("network", "ls"))
        ]
        names = ("--format={{.Names}}", f"--filter=name={self.project}_")
        listed.append(self.podman("ps", "--all", *names))
        return [name for done in listed for name in done.stdout.split()]

    def keys(self) -> Any:
        """The keys of the function app."""
        told = self.podman("exec", self.container("app"), "cat", "/azure/keys.json")
        return json.loads(told.stdout)


@contextmanager
def composed(podman: Podman, folder: Path) -> Iterator[Stack]:
    """The file as it stands, at free ports, and a project of its own that is gone afterwards."""
    app, page = free_port(), free_port()
    text = (ROOT / "compose.yaml").read_text()
    for port, free in ((7071, app), (8080, page)):
        text = text.replace(f"//localhost:{port}", f"//localhost:{free}")
        text = text.replace(f"127.0.0.1:{port}:{port}", f"127.0.0.1:{free}:{port}")
    described = yaml.safe_load(text)
    for service in described["services"].values():
        service.pop("build")
    file = folder / "compose.yaml"
    file.write_text(yaml.safe_dump(described))
    urls = f"http://localhost:{app}", f"http://localhost:{page}"
    stack = Stack(podman, f"noon{os.getpid()}", file, *urls)
    try:
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "5")
        assert stack.left() == []


@pytest.fixture(scope="module")
def stack(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product, started by podman-compose."""
    with composed(podman, tmp_path_factory.mktemp("compose")) as stack:
        stack.compose("up", "--detach")
        client = AppClient(stack.app_url, timeout_seconds=5)
        try:
            wait_until(client.healthy, timeout_seconds=START_SECONDS, what="the function app")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{stack.logs()}") from None
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> AppClient:
    """A caller with the key of the app, once there is a champion."""
    keys = stack.keys()
    client = AppClient(stack.app_url, keys["functions"]["predict"]["readers"])

    def there() -> bool:
        with suppress(AppRefusedError, NotRunningError):
            return any(model["champion"] for model in client.fleet())
        return False

    try:
        wait_until(there, timeout_seconds=CHAMPION_SECONDS, what="a champion")
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{stack.logs()}") from None
    return client


def row() -> dict[str, Any]:
    """One flight, with every column of the model."""
    from noon.models import feature_kinds

    kinds = feature_kinds("flights")
    return {name: 1.0 if kind == "number" else "UA" for name, kind in kinds.items()}


def test_landed_data_becomes_a_model_that_the_scoring_container_serves(
    stack: Stack, client: AppClient
) -> None:
    """Event, queue, training, gate, publication, switch: each in another container."""
    answer = client.predict("flights", [row()])
    assert 0 <= answer["predictions"][0]["probabilities"]["true"] <= 1
    assert answer["model"] == {"name": "flights", "version": "1", "deployment": "v1-e1"}
    served = stack.podman(
        "exec",
        stack.container("backend"),
        "/opt/noon/bin/python",
        "-c",
        "import urllib.request as asked; "
        "print(asked.urlopen('http://127.0.0.1:8000/serving').read().decode())",
    )
    assert '"version":"1"' in served.stdout.replace(" ", "").replace(":1", ':"1"')


def test_the_image_of_the_command_line_asks_the_running_app(
    stack: Stack, client: AppClient
) -> None:
    """Over the network of the services, by the name of the service."""
    options = [f"--network={stack.project}_default", "--env=NOON_URL=http://app:7071"]
    options += [f"--env=NOON_FUNCTION_KEY={client.function_key}"]
    image = IMAGES["noon-cli"].tag
    status = stack.podman.once(image, "status", "--json", options=options)
    assert status.returncode == 0, status.stderr
    assert '"flights"' in status.stdout
    asked = ("predict", "flights", "--row", json.dumps(row()), "--json")
    predicted = stack.podman.once(image, *asked, options=options)
    assert predicted.returncode == 0, predicted.stderr
    assert json.loads(predicted.stdout)["model"]["version"] == "1"


def test_the_page_gets_a_prediction_from_where_its_configuration_says(
    stack: Stack, client: AppClient
) -> None:
    """As a browser asks: the page's policy lets it out to that address, and the app lets it in."""
    with urllib.request.urlopen(f"{stack.page_url}/config.json", timeout=10) as answer:
        api = json.load(answer)["apiUrl"]
        assert api in answer.headers["content-security-policy"]
    url = f"{api}/api/models/flights/predict"
    asked = {"Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type,x-functions-key"
    origin = {"Origin": stack.page_url}
    preflight = urllib.request.Request(url, method="OPTIONS", headers=origin | asked)
    with urllib.request.urlopen(preflight, timeout=10) as answer:
        assert answer.headers["access-control-allow-origin"] == stack.page_url
    given = {"Content-Type": "application/json", "x-functions-key": client.function_key}
    body = json.dumps({"rows": [row()]}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, body, origin | given), timeout=20
    ) as answer:
        assert answer.headers["access-control-allow-origin"] == stack.page_url
        assert json.load(answer)["model"]["version"] == "1"


@pytest.mark.parametrize("service", ["storage", "azure", "app", "backend", "frontend"])
def test_every_service_that_stays_is_healthy(stack: Stack, client: AppClient, service: str) -> None:
    """By the check of its image, or of compose.yaml where the image does several things."""
    done = stack.podman("healthcheck", "run", stack.container(service), check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_setup_says_how_to_go_on(stack: Stack, client: AppClient) -> None:
    """Addresses and keys, as lines that can be copied."""
    told = stack.podman("logs", stack.container("setup"))
    assert f"NOON_FUNCTION_KEY={client.function_key}" in told.stdout
