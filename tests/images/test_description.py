"""What is written about the images, compared with what they must agree with; nothing is built."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.settings import Settings as ScoringSettings
from images.catalogue import IMAGES, Image, affected
from noon.local.environment import azure_environment
from shared.adapters.azure_ml_assets import SERVING_PORT
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CONTAINER_APP = (ROOT / "infra" / "modules" / "scoring-container.bicep").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ALL = pytest.mark.parametrize("image", IMAGES.values(), ids=list(IMAGES))


def instructions(image: Image) -> list[str]:
    """The lines of a Dockerfile, continued ones as one, without comments."""
    text = re.sub(r"^\s*#.*\n", "", image.dockerfile.read_text(), flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]


def argument_of(image: Image, instruction: str) -> str:
    """What follows the last instruction of a kind."""
    return [line for line in instructions(image) if line.startswith(f"{instruction} ")][-1].split(
        " ", 1
    )[1]


@ALL
def test_images_run_as_a_numbered_user_who_is_not_root(image: Image) -> None:
    """Kubernetes can tell that 10001 is not root; of a name it cannot."""
    user, _, group = argument_of(image, "USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0


@ALL
def test_builders_old_and_new_understand_the_dockerfiles(image: Image) -> None:
    """Heredocs and linked copies are BuildKit's alone; buildah builds the same files."""
    lines = instructions(image)
    assert [line for line in lines if "<<" in line or "--link" in line] == []
    assert sum(line.startswith("FROM ") for line in lines) > 1


@ALL
def test_a_base_is_a_tag_that_the_builder_can_pin(image: Image) -> None:
    """Every stage starts from an argument, whose default says a tag and invents no digest."""
    bases = image.bases
    starts = [line.split()[1] for line in instructions(image) if line.startswith("FROM ")]
    assert {start.strip("${}") for start in starts} == set(bases)
    for base in bases.values():
        assert ":" in base
        assert "@" not in base


@ALL
def test_every_copied_path_makes_another_image_when_it_changes(image: Image) -> None:
    """The workflow builds what a commit concerns, so no file may be forgotten."""
    for line in instructions(image):
        words = line.split()
        if words[0] == "COPY" and "--from=build" not in words:
            for path in words[1:-1]:
                below = f"{path}/x" if (ROOT / path).is_dir() else path
                assert image in affected([below]) or not image.shipped, path


def test_a_change_of_the_page_builds_the_frontend_alone() -> None:
    """And documentation builds nothing."""
    assert [image.name for image in affected(["webui/src/main.tsx"])] == ["noon-frontend"]
    assert affected(["docs/index.md", "README.md"]) == []
    shipped = [image.name for image in affected([".github/workflows/images.yml"])]
    assert shipped == ["noon-backend", "noon-cli", "noon-frontend"]


def test_the_images_that_a_commit_concerns_are_told_as_json(tmp_path: Path) -> None:
    """Since an unknown commit, as after a forced push, every image may have changed."""

    def git(*arguments: str) -> str:
        names = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        command = ["git", "-C", str(tmp_path), *names, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def changed(since: str) -> Any:
        command = [sys.executable, "-m", "images", "changed", "--since", since]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        told = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        return json.loads(told.stdout)

    git("init", "--quiet")
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "app.py").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    first = git("rev-parse", "HEAD")
    (tmp_path / "webui").mkdir()
    (tmp_path / "webui" / "page.ts").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "--message", "two")
    assert changed(first) == ["noon-frontend"]
    assert changed("0" * 40) == ["noon-backend", "noon-frontend"]
    assert changed("") == ["noon-backend", "noon-frontend"]


def test_what_the_workflow_builds_with_is_what_it_is_told(tmp_path: Path) -> None:
    """Each output of the step that it reads, with a label for all that a Dockerfile cannot know."""
    command = [sys.executable, "-m", "images", "describe", "noon-frontend"]
    told = subprocess.run(
        [*command, "--owner", "Someone", "--branch", "a/b"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "NOON_REVISION": "abc"},
    ).stdout
    workflow = (ROOT / ".github" / "workflows" / "images.yml").read_text()
    read = set(re.findall(r"steps\.described\.outputs\.(\w+)", workflow))
    assert read == set(re.findall(r"^(\w+)(?:=(?!.*@)|<<END$)", told, re.M)) - set(
        IMAGES["noon-frontend"].bases
    )
    assert (
        "tags<<END\nghcr.io/someone/noon-frontend:abc\nghcr.io/someone/noon-frontend:a-b\nEND"
        in told
    )
    labelled = re.findall(r"^org\.opencontainers\.image\.([\w.]+)=\S", told, re.M)
    assert labelled == ["source", "revision", "version", "created", "base.name", "base.digest"]


def test_the_environment_of_azure_ml_asks_where_the_image_listens() -> None:
    """Port and probes of the registered environment are those of the image."""
    backend = IMAGES["noon-backend"]
    assert argument_of(backend, "EXPOSE") == str(SERVING_PORT)
    assert f"PORT={SERVING_PORT}" in argument_of(backend, "ENV").split()
    assert json.loads(argument_of(backend, "CMD")) == ["--host", "0.0.0.0"]
    assert "'/health/ready'" in backend.dockerfile.read_text()


def test_the_container_app_fits_the_image() -> None:
    """Port, probes and settings of the Bicep are what the image understands."""
    assert f"var port = {SERVING_PORT}\n" in CONTAINER_APP
    assert "targetPort: port" in CONTAINER_APP
    probes = re.findall(
        r"type: '(\w+)'\s+httpGet: \{\s+path: '([^']+)'\s+port: port", CONTAINER_APP
    )
    assert probes == [("Liveness", "/health/live"), ("Readiness", "/health/ready")]
    assert re.findall(r"image: (\w+)", CONTAINER_APP) == ["image"]
    given = dict(re.findall(r"\{ name: '(\w+)', value: (.+) \}", CONTAINER_APP))
    chosen = {
        "SCORING_SERVING_URL": "https://account.blob.core.windows.net/runs/noon/serving/flights",
        "SCORING_ENVIRONMENT_VERSION": "3",
        "SCORING_AUTH": "entra",
        "SCORING_AUDIENCE": "api://noon-scoring",
        "SCORING_OPENID_CONFIGURATION": "https://login.example.org/v2.0/.well-known/openid-configuration",
        "SCORING_ROLES": "Score",
    }
    assert set(given) == {*chosen, "AZURE_CLIENT_ID", "PORT"}
    settings = ScoringSettings.from_environment(chosen)
    assert settings.stands_alone
    assert settings.environment_version == 3


def test_the_settings_of_compose_are_those_of_the_local_stack() -> None:
    """Only where things are differs: `noon up` and compose run the same product."""
    composed = COMPOSE["services"]["app"]["environment"]
    local = azure_environment(Path("/azure"), _Addresses())
    assert set(composed) - set(local) == {"NOON_CONTAINER_URL"}
    assert set(local) - set(composed) == {"NOON_MODELS_DIR"}
    places = {name for name in local if str(local[name]).startswith(("https://", "/"))}
    assert {name for name in places & set(composed) if composed[name] == local[name]} == {
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    }
    for name in set(local) & set(composed) - places:
        assert composed[name] == local[name], name
    fields = {
        name.removeprefix("NOON_").lower(): value
        for name, value in composed.items()
        if name.startswith("NOON_")
    }
    assert Settings(**fields).container_url == "http://backend:8000"


def test_every_service_of_compose_is_hardened() -> None:
    """Read-only, without capabilities, and reachable from this machine alone."""
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_compose_runs_the_images_of_this_checkout() -> None:
    """Image and Dockerfile of each service belong together."""
    known = {(image.tag, f"{image.folder}/Dockerfile") for image in IMAGES.values()}
    used = {
        (service["image"], service["build"]["dockerfile"])
        for service in COMPOSE["services"].values()
    }
    assert used <= known
    assert {tag for tag, _ in used} == {
        f"localhost/noon-{name}:local" for name in ("backend", "frontend", "local")
    }


def test_the_commands_of_compose_are_known_to_the_emulator() -> None:
    """Every option that compose gives is one that the command line has."""
    for name in ("certificates", "storage", "azure", "app"):
        module, command, *options = COMPOSE["services"][name]["command"]
        told = subprocess.run(
            [sys.executable, "-m", module, command, "--help"],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT / "emulator"), "COLUMNS": "200", "NO_COLOR": "1"},
        ).stdout
        given = {option.partition("=")[0] for option in options if option.startswith("--")}
        assert {option for option in given if option not in told} == set(), shlex.join(options)


class _Addresses:
    """Stands for a local stack's addresses, none of which compose has."""

    emulator = "https://127.0.0.1:8443"

    def storage(self, kind: str) -> str:
        return f"https://127.0.0.1/{kind}"
