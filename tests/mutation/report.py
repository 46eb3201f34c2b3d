"""How many mutants the tests kill, by module and package, and whether that is enough."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.mutation.mutants import KILLED, SURVIVED, TIMEOUT, Mutant

KILLED_MIN = {"shared/domain": 0.90, "shared/application": 0.80}
"""Of all mutants of the package, those included that are called equivalent."""
EQUIVALENT_MAX = 0.05


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that no test can kill, since the program does the same with it."""

    module: str
    function: str
    before: str
    after: str
    why: str

    def is_(self, mutant: Mutant) -> bool:
        """This is the mutant that is meant, wherever it stands now."""
        theirs = (mutant.module, mutant.function, mutant.before, mutant.after)
        return theirs == (self.module, self.function, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one module or package."""

    mutants: int = 0
    killed: int = 0
    timeout: int = 0
    """It never ended, or ended the interpreter: noticed as well."""
    survived: int = 0
    equivalent: int = 0

    @property
    def share(self) -> float:
        """Noticed ones of all."""
        return (self.killed + self.timeout) / self.mutants if self.mutants else 1.0

    def plus(self, other: Score) -> Score:
        """Both together."""
        mine, theirs = asdict(self), asdict(other)
        return Score(**{key: mine[key] + theirs[key] for key in mine})


def read_equivalents(path: Path) -> list[Equivalent]:
    """The list in the test tree; every entry says why."""
    rows = tomllib.loads(path.read_text()).get("equivalent", [])
    return [Equivalent(**row) for row in rows]


def judge_module(mutants: Sequence[Mutant], equivalents: Sequence[Equivalent]) -> dict[str, Any]:
    """What the report keeps of one module."""
    alive = [mutant for mutant in mutants if mutant.verdict == SURVIVED]
    survivors = [each for each in alive if not any(same.is_(each) for same in equivalents)]
    score = Score(
        mutants=len(mutants),
        killed=sum(mutant.verdict == KILLED for mutant in mutants),
        timeout=sum(mutant.verdict == TIMEOUT for mutant in mutants),
        survived=len(survivors),
        equivalent=len(alive) - len(survivors),
    )
    return {"score": asdict(score), "survivors": [asdict(mutant) for mutant in survivors]}


def untrue(equivalents: Sequence[Equivalent], mutants: Sequence[Mutant]) -> list[str]:
    """Entries of the list that say something wrong about the modules that were tried."""
    tried = {mutant.module for mutant in mutants}
    wrong = []
    for entry in equivalents:
        verdicts = {mutant.verdict for mutant in mutants if entry.is_(mutant)}
        where = f"{entry.module}, {entry.function}: {entry.before} -> {entry.after}"
        if not entry.why.strip():
            wrong.append(f"no word why: {where}")
        if entry.module in tried and not verdicts:
            wrong.append(f"no such mutant: {where}")
        elif verdicts and SURVIVED not in verdicts:
            wrong.append(f"killed by now: {where}")
    return wrong


def digest(path: Path) -> str:
    """Of a module's text: another text is another set of mutants."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def still_true(known: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """What an earlier run found about modules that have not changed since."""
    return {
        module: found
        for module, found in known.items()
        if (root / module).exists() and found["digest"] == digest(root / module)
    }


def packages(known: Mapping[str, Any], root: Path) -> dict[str, Score | None]:
    """The score of each package; None when a module of it has not been tried as it is."""
    scores: dict[str, Score | None] = {}
    for package in KILLED_MIN:
        modules = [path.relative_to(root).as_posix() for path in (root / package).glob("*.py")]
        if all(module in known for module in modules):
            scores[package] = total(known[module]["score"] for module in modules)
        else:
            scores[package] = None
    return scores


def total(scores: Iterable[Mapping[str, int]]) -> Score:
    """The sum of what modules have."""
    whole = Score()
    for score in scores:
        whole = whole.plus(Score(**score))
    return whole


def misses(scores: Mapping[str, Score | None]) -> list[str]:
    """Where a package has not what it must have."""
    missed = []
    for package, score in scores.items():
        if score is None:
            continue
        if score.share < KILLED_MIN[package]:
            wanted = f"{KILLED_MIN[package]:.0%} are wanted"
            missed.append(f"{package}: {score.share:.1%} of the mutants are killed, {wanted}")
        if score.equivalent > EQUIVALENT_MAX * score.mutants:
            share = score.equivalent / score.mutants
            missed.append(f"{package}: {share:.1%} are called equivalent, too many")
    return missed


def table(rows: Mapping[str, Score]) -> str:
    """The counts for people."""
    heads = ("", "mutants", "killed", "timeout", "survived", "equivalent", "score")
    lines = [heads, *(_row(name, score) for name, score in rows.items())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in lines
    )


def _row(name: str, score: Score) -> tuple[str, ...]:
    counts = (score.mutants, score.killed, score.timeout, score.survived, score.equivalent)
    return (name, *(str(count) for count in counts), f"{score.share:.1%}")
