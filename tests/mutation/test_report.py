"""What `make mutate` says of a run: who was noticed, what is excused, and whether it is enough."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.mutation.__main__ import EQUIVALENTS, ROOT
from tests.mutation.mutants import KILLED, SURVIVED, TIMEOUT, Mutant, mutants_of
from tests.mutation.report import (
    Equivalent,
    Score,
    digest,
    judge_module,
    misses,
    packages,
    read_equivalents,
    still_true,
    table,
    untrue,
)

MODULE = "shared/domain/health.py"
SOURCE = '''\
"""Two functions."""


def larger(a: int, b: int) -> bool:
    """A comparison."""
    return a > b


class Counts:
    """One method."""

    def none(self) -> bool:
        """A negation."""
        return not (
            self.all
        )
'''
MUTATED = '''\
def larger(a: int, b: int) -> bool:
    """A trampoline."""


def x_larger__mutmut_orig(a: int, b: int) -> bool:
    """A comparison."""
    return a > b


def x_larger__mutmut_1(a: int, b: int) -> bool:
    """A comparison."""
    return a >= b


def x_larger__mutmut_2(a: int, b: int) -> bool:
    """A comparison."""
    return a < b


class Counts:
    def xǁCountsǁnone__mutmut_orig(self) -> bool:
        """A negation."""
        return not (
            self.all
        )

    def xǁCountsǁnone__mutmut_1(self) -> bool:
        """A negation."""
        return (
            self.all
        )
'''
CODES = {
    "shared.domain.health.x_larger__mutmut_1": 0,
    "shared.domain.health.x_larger__mutmut_2": 1,
    "shared.domain.health.xǁCountsǁnone__mutmut_1": 36,
}
FOUND = [
    Mutant(MODULE, "larger", 6, "return a > b", "return a >= b", SURVIVED),
    Mutant(MODULE, "larger", 6, "return a > b", "return a < b", KILLED),
    Mutant(MODULE, "Counts.none", 14, "return not (", "return (", TIMEOUT),
]
SAME = Equivalent(MODULE, "larger", "return a > b", "return a >= b", "a is never b")


def test_a_mutant_is_named_by_what_was_changed(tmp_path: Path) -> None:
    """Module, function and changed line stay when other code moves; numbers would not."""
    module, kept = tmp_path / MODULE, tmp_path / "mutants" / MODULE
    for path, text in ((module, SOURCE), (kept, MUTATED)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    kept.with_name("health.py.meta").write_text(json.dumps({"exit_code_by_key": CODES}))
    assert list(mutants_of(tmp_path, MODULE)) == FOUND


def test_what_is_excused_counts_but_is_not_killed() -> None:
    """An equivalent mutant leaves the list of survivors, and does not make the score better."""
    alone, excused = judge_module(FOUND, []), judge_module(FOUND, [SAME])
    assert [each["after"] for each in alone["survivors"]] == ["return a >= b"]
    assert excused["survivors"] == []
    assert Score(**alone["score"]) == Score(3, 1, 1, survived=1)
    assert Score(**excused["score"]) == Score(3, 1, 1, equivalent=1)
    assert Score(**alone["score"]).share == Score(**excused["score"]).share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (SAME, None),
        (replace(SAME, after="return a < b"), "killed by now"),
        (replace(SAME, before="return a - b"), "no such mutant"),
        (replace(SAME, why=" "), "no word why"),
        (replace(SAME, module="shared/domain/plan.py"), None),
    ],
)
def test_the_list_of_equivalents_tells_the_truth(entry: Equivalent, said: str | None) -> None:
    """An entry that is killed by now, matches nothing or gives no reason is reported."""
    wrong = untrue([entry], FOUND)
    assert [text.split(":")[0] for text in wrong] == ([said] if said else [])


@pytest.mark.parametrize(
    ("score", "enough"),
    [
        (Score(100, killed=80, timeout=10, survived=10), True),
        (Score(100, killed=89, survived=11), False),
        (Score(100, killed=95, equivalent=5), True),
        (Score(100, killed=94, equivalent=6), False),
    ],
)
def test_a_package_needs_its_share(score: Score, enough: bool) -> None:
    """Nine of ten mutants of the domain must be noticed, and one of twenty may be excused."""
    assert bool(misses({"shared/domain": score, "shared/application": None})) is not enough


def test_what_was_found_holds_while_the_module_stays(tmp_path: Path) -> None:
    """A package has a score only when each of its modules was tried as it is now."""
    for package in ("shared/domain", "shared/application"):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "one.py").write_text("1\n")
    found = {"digest": digest(tmp_path / "shared/domain/one.py"), "score": asdict(Score(4, 4))}
    known = still_true({"shared/domain/one.py": found, "shared/domain/gone.py": found}, tmp_path)
    assert packages(known, tmp_path) == {"shared/domain": Score(4, 4), "shared/application": None}
    (tmp_path / "shared/domain/one.py").write_text("2\n")
    assert packages(still_true(known, tmp_path), tmp_path)["shared/domain"] is None


def test_the_table_lines_up() -> None:
    """Counts stand below each other, whatever the names are."""
    lines = table({"a": Score(1000, 999, 1), "shared/domain": Score(4, 1, survived=3)}).splitlines()
    assert lines[1].split() == ["a", "1000", "999", "1", "0", "0", "100.0%"]
    assert lines[2].split() == ["shared/domain", "4", "1", "0", "3", "0", "25.0%"]
    assert len({len(line) for line in lines}) == 1


def test_every_excuse_is_about_a_line_that_is_there() -> None:
    """The list of equivalents does not outlive the code that it speaks of."""
    for entry in read_equivalents(EQUIVALENTS):
        lines = [line.strip() for line in (ROOT / entry.module).read_text().splitlines()]
        assert entry.before in " ".join(lines), entry
        assert entry.why
