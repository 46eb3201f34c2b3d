"""The rules of the house that no other tool checks; CONTRIBUTING.md explains them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = (
    "backend",
    "emulator/azure_emulator",
    "examples",
    "function_app",
    "images",
    "noon",
    "shared",
    "simulation",
)
COMPONENTS = "training_components"
TESTS = ("tests", "emulator/tests")
OURS = {"azure_emulator", "backend", "function_app", "noon", "shared", "simulation"}

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
"""From `def` to the last line, without decorators and docstring: what a reader holds in mind."""
TRIGGER_STATEMENTS_MAX = 5

LOCKS = {
    "backend.in": "requirements/backend.txt",
    "cli.in": "requirements/cli.txt",
    "dev.in": "requirements/dev.txt",
    "functions.in": "requirements.txt",
    "mutation.in": "requirements/mutation.txt",
    "images.in": "requirements/images.txt",
    "inference.in": "requirements/inference.txt",
    "local.in": "requirements/local.txt",
    "node.in": "requirements/node.txt",
    "policies.in": "requirements/policies.txt",
    "training.in": "requirements/training.txt",
    "uv.in": "requirements/uv.txt",
    "worker.in": "requirements/worker.txt",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """The Python files of folders that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(".py") and (ROOT / name).exists()]


def modules_of_tests() -> list[Path]:
    """The modules of the tests, without the function apps that some of them load."""
    return [
        path
        for path in modules(*TESTS)
        if not any((folder / "host.json").exists() for folder in path.parents if folder != ROOT)
    ]


def name_of(path: Path) -> str:
    """The path as it is written in the repository."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """All functions and methods of a module."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function):
            yield node


def parsed(path: Path) -> ast.Module:
    """The module's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def body_without_docstring(function: Function) -> list[ast.stmt]:
    """What a function does."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def statements(body: list[ast.stmt]) -> int:
    """How many statements there are, the inner ones included."""
    return sum(isinstance(node, ast.stmt) for stmt in body for node in ast.walk(stmt))


def test_the_rules_look_at_something() -> None:
    """Every folder that the rules name holds modules, so that no rule passes by a wrong name."""
    empty = [folder for folder in (*PRODUCT, COMPONENTS, *TESTS) if not modules(folder)]
    assert empty == []


def test_modules_stay_short() -> None:
    """A module is read in one sitting."""
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules(*PRODUCT, COMPONENTS)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES_MAX} == {}


def test_functions_stay_short() -> None:
    """A function fits on a screen."""
    long = {}
    for path in modules(*PRODUCT, COMPONENTS):
        for function in functions(path):
            body = body_without_docstring(function)
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > FUNCTION_LINES_MAX:
                long[f"{name_of(path)}:{function.lineno} {function.name}"] = lines
    assert long == {}


def test_triggers_are_thin() -> None:
    """A trigger parses, calls and answers; what happens is decided further in."""
    thick = {}
    for path in modules("function_app"):
        for function in functions(path):
            count = statements(body_without_docstring(function))
            if function.decorator_list and count > TRIGGER_STATEMENTS_MAX:
                thick[f"{name_of(path)}:{function.lineno} {function.name}"] = count
    assert thick == {}


def test_every_module_has_a_name_that_says_something() -> None:
    """A module named for nothing collects everything."""
    nothing = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
    paths = modules(*PRODUCT, COMPONENTS, *TESTS)
    assert [name_of(p) for p in paths if nothing & {p.stem, *p.relative_to(ROOT).parts}] == []


@pytest.mark.parametrize(
    "pattern",
    [r"\bmock\b", r"\.(setattr|delattr)\b", r"\bsleep\b"],
    ids=["mocks", "patched internals", "sleeping"],
)
def test_tests_use_real_things(pattern: str) -> None:
    """Nothing is patched, and waiting goes through the emulator's `wait_until`."""
    offenders = []
    for path in modules_of_tests():
        offenders += [
            f"{name_of(path)}:{node.lineno}"
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Attribute | ast.Import | ast.ImportFrom)
            and re.search(pattern, ast.unparse(node))
        ]
    assert offenders == []


def test_only_one_place_sleeps_for_tests() -> None:
    """`wait_until` is the only thing in the testing module that sleeps."""
    path = ROOT / "emulator/azure_emulator/testing.py"
    sleepers = {f.name for f in functions(path) if "sleep(" in ast.unparse(f)}
    assert sleepers == {"wait_until"}


def test_the_domain_is_plain_python() -> None:
    """What is decided depends on the standard library and on nothing that could be offline."""
    foreign = {}
    for path in modules("shared/domain"):
        roots = {name.partition(".")[0] for name in imported(path)} - sys.stdlib_module_names
        if roots - {"shared"}:
            foreign[name_of(path)] = roots - {"shared"}
    assert foreign == {}


def test_training_components_stand_alone() -> None:
    """A component runs from its own folder on a machine that has none of our packages."""
    paths = modules(COMPONENTS)
    ours = {name_of(p): OURS & {name.partition(".")[0] for name in imported(p)} for p in paths}
    assert {name: roots for name, roots in ours.items() if roots} == {}


def test_the_training_sdk_stays_in_the_adapters() -> None:
    """The Azure ML SDK takes seconds to import, so only adapters and the deploying CLI touch it."""
    paths = modules("function_app", "shared", "backend")
    users = [name_of(p) for p in paths if any(n.startswith("azure.ai") for n in imported(p))]
    assert [name for name in users if not name.startswith("shared/adapters/")] == []


def test_test_folders_are_no_packages() -> None:
    """Test modules are imported by path, which a package marker would defeat."""
    assert [name_of(path) for path in modules_of_tests() if path.name == "__init__.py"] == []


def test_every_list_of_requirements_is_locked() -> None:
    """A new list is locked and checked like the others."""
    assert {path.name for path in (ROOT / "requirements").glob("*.in")} == LOCKS.keys()


@pytest.mark.parametrize("source", LOCKS)
def test_lock_files_are_fresh(source: str) -> None:
    """Every requirement is pinned, allowed by what is asked for, and hashed; else `make lock`."""
    pins = pinned(ROOT / LOCKS[source])
    wanted = list(required(ROOT / "requirements" / source))
    assert wanted
    for requirement in wanted:
        versions = pins[canonicalize_name(requirement.name)]
        assert any(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("source", LOCKS)
def test_lock_files_name_no_place(source: str) -> None:
    """Where packages come from is the installing machine's business."""
    text = (ROOT / LOCKS[source]).read_text()
    assert re.findall(r"(?m)^(?:--(?!hash).*|.*://.*|.* @ .*)$", text) == []


def test_azurite_is_locked_without_places() -> None:
    """The same for npm: integrity yes, addresses no."""
    lock = json.loads((ROOT / "emulator/azurite/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def pinned(path: Path) -> dict[str, list[str]]:
    """The versions that a lock file pins by name; a pin without a hash fails."""
    pins: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=[^\s#])", path.read_text()):
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", entry)
        if match:
            assert "--hash=sha256:" in entry, f"{path.name}: {match[1]} has no hash"
            pins.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return pins


def required(path: Path) -> Iterator[Requirement]:
    """What a source of requirements asks for, its includes followed."""
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from required(path.parent / text.removeprefix("-r "))
        elif text:
            yield Requirement(text)


def test_the_function_app_is_found() -> None:
    """The worker looks for a marker beside host.json, then imports the package of that name."""
    marker = parsed(ROOT / "function_app.py")
    assert ast.get_docstring(marker)
    assert len(marker.body) == 1
    assert (ROOT / "host.json").is_file()
    assert (ROOT / "function_app" / "__init__.py").is_file()


def test_the_build_runs_the_command_of_the_readme() -> None:
    """What a build machine runs is what a reader is told to run."""
    command = (ROOT / ".ci/run").read_text().rstrip().splitlines()[-1]
    assert command.startswith("make ")
    assert command in (ROOT / "README.md").read_text()


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """A checkout works anywhere, so nothing in it says where it was."""
    here = re.escape(str(ROOT).encode())
    home = re.escape(str(Path.home()).encode())
    pattern = re.compile(rb"(?<![\w.])(?:%b|%b)/" % (here, home))
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout.split(b"\0")
    paths = [ROOT / name.decode() for name in listed if name]
    assert [name_of(p) for p in paths if p.is_file() and pattern.search(p.read_bytes())] == []
