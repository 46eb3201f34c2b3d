"""The mutants of some modules, each with what the tests said to it.

mutmut changes one thing at a time in a copy of the sources and runs the tests that reach the
changed function. It mutates the bodies of functions and methods; what is decorated (properties)
and what stands outside functions (constants, defaults of fields) it leaves alone. We leave
alone `assert` lines besides: they tell the type checker what a caller cannot make untrue.
Texts are mutated like everything else: what people read is behaviour.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = {
    "shared/domain": ["tests/domain"],
    "shared/application": ["tests/application", "tests/domain"],
}
"""Who is to notice: tests that are quick enough to be asked thousands of times. The domain's own
must do for the domain; that some story ends otherwise says little about where to look."""
QUICKLY = [
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
    *("--assert=plain", "--tb=no", "--hypothesis-profile=ci"),
]
"""Each mutant is a run of pytest: without these most of its time goes into collecting garbage
and into explaining failures that nobody reads."""
MUTMUT = Path(sys.executable).with_name("mutmut")

KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
VERDICTS = {
    **dict.fromkeys((1, 3), KILLED),
    **dict.fromkeys((-24, 24, 36, 152, 255, -9, -11), TIMEOUT),
}
"""By mutmut's exit codes; what ended the interpreter was noticed as what never ends is. All
others mean that no test failed, or that none reaches the function."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one function, and whether a test noticed."""

    module: str
    function: str
    """With its class, such as `Counts.plus`."""
    line: int
    before: str
    """The lines that were changed, joined, without indentation."""
    after: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Body:
    """A function as it is written."""

    line: int
    name: str
    text: Sequence[str]

    def renamed(self, name: str) -> list[str]:
        """Its lines under another name."""
        return [self.text[0].replace(self.name, name, 1), *self.text[1:]]


class BrokenRunError(RuntimeError):
    """The tests fail without any mutant, or the run was broken off."""


def try_all(root: Path, modules: Sequence[str], home: Path, workers: int) -> list[Mutant]:
    """Every mutant of the modules, tried in a copy of the repository below `home`.

    A run that was broken off goes on where it was, if nothing has changed since.
    """
    tried: list[Mutant] = []
    for package, tests in TESTS.items():
        ours = [module for module in modules if module.startswith(f"{package}/")]
        if ours:
            place = home / Path(package).name
            _settle(root, place, ours, tests)
            _run(place, workers)
            tried += [mutant for module in ours for mutant in mutants_of(place, module)]
    return tried


def _settle(root: Path, home: Path, modules: Sequence[str], tests: Sequence[str]) -> None:
    """A copy of the repository, with mutmut told what to do in it."""
    names, mark = _names(root), home / "copy_of"
    state = hashlib.sha256(repr((modules, tests, QUICKLY)).encode())
    for name in names:
        state.update(name.encode() + (root / name).read_bytes())
    if mark.exists() and mark.read_text() == state.hexdigest():
        return
    shutil.rmtree(home, ignore_errors=True)
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, home / name)
    top = sorted({name.split("/")[0] for name in names} - {"pyproject.toml", "tests"})
    settings = {
        "source_paths": ["shared"],
        "only_mutate": modules,
        "also_copy": [name for name in top if name != "shared"],
        "do_not_mutate_patterns": [r"^\s*assert "],
        "pytest_add_cli_args": QUICKLY,
        "pytest_add_cli_args_test_selection": tests,
        "use_git_change_detection": False,
    }
    with (home / "pyproject.toml").open("a") as config:
        config.write("\n[tool.mutmut]\n")
        config.writelines(
            f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in settings.items()
        )
    mark.write_text(state.hexdigest())


def mutants_of(home: Path, module: str) -> Iterator[Mutant]:
    """What mutmut left behind of a module in its folder `mutants`."""
    kept = home / "mutants" / f"{module}.meta"
    codes = json.loads(kept.read_text())["exit_code_by_key"]
    mutated, source = kept.with_suffix("").read_text(), (home / module).read_text()
    bodies, places = _functions(mutated), _functions(source)
    for key, code in codes.items():
        name = key.rpartition(".")[2]
        mangled = name.partition("__mutmut_")[0]
        # `x_function`, or `xǁClassǁmethod`.
        _, owner, function = mangled.split("ǁ") if "ǁ" in mangled else ("", "", mangled[2:])
        prefix = f"{owner}." if owner else ""
        if code is None:
            raise BrokenRunError(f"{module}, {prefix}{function}: a mutant was not tried")
        original = bodies[f"{prefix}{mangled}__mutmut_orig"].renamed(function)
        offset, before, after = changed(original, bodies[prefix + name].renamed(function))
        line = places[prefix + function].line + offset
        verdict = VERDICTS.get(code, SURVIVED)
        yield Mutant(module, prefix + function, line, before, after, verdict)


def changed(old: Sequence[str], new: Sequence[str]) -> tuple[int, str, str]:
    """How many lines down two versions of a function differ, and these lines of both."""
    compared = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    blocks = [block for block in compared if block[0] != "equal"]
    _, first_old, _, first_new, _ = blocks[0]
    _, _, last_old, _, last_new = blocks[-1]
    return first_old, _joined(old[first_old:last_old]), _joined(new[first_new:last_new])


def _joined(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines)


def _functions(code: str) -> dict[str, Body]:
    """The functions and methods of a module by name, methods with their class."""
    lines, tree = code.splitlines(), ast.parse(code)
    found = {}
    owners: list[ast.Module | ast.ClassDef] = [tree]
    owners += [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for owner in owners:
        prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
        for node in owner.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                text = lines[node.lineno - 1 : node.end_lineno]
                found[prefix + node.name] = Body(node.lineno, node.name, text)
    return found


def _names(root: Path) -> list[str]:
    """Everything that git knows or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def _run(home: Path, workers: int) -> None:
    """Let mutmut work, and tell how far it is: at once on a terminal, else twice a minute."""
    command = [str(MUTMUT), "run", "--max-children", str(workers)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    said, told_at = "", time.monotonic()
    with (
        (home / "mutmut.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        for line in running.stdout:  # Carriage returns end lines as well.
            log.write(line)
            if not (progress := re.search(r"(\d+)/(\d+)", line)):
                continue
            said = f"{progress[1]} of {progress[2]} mutants"
            if sys.stderr.isatty():
                print(f"\r{said}", end="", file=sys.stderr, flush=True)
            elif time.monotonic() - told_at > 30:
                print(said, file=sys.stderr, flush=True)
                told_at = time.monotonic()
    print(f"\r{said}" if sys.stderr.isatty() else said, file=sys.stderr)
    if running.returncode != 0:
        last = (home / "mutmut.log").read_text().splitlines()[-40:]
        raise BrokenRunError("\n".join(["mutmut could not do its work:", *last]))
