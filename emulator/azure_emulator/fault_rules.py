"""The vocabulary of faults: which operations can be hit, and what a rule may say of each."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
MATCHING = ("id", "operation", "resource", "count", "for_seconds", "probability", "seed")
"""What says when a rule hits; the other fields say what it does then."""
ANSWER = ("status", "code", "inner", "message")
WORK = (*ANSWER, "delay_seconds")
CHOICES = {"by": ("platform", "container"), "drop": ("before", "after")}
TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "id": ("a text", (str,)),
    "operation": ("a text", (str,)),
    "resource": ("a text", (str,)),
    "count": ("a whole number of at least 1, or null", (int, type(None))),
    "for_seconds": ("a number of at least 0, or null", (int, float, type(None))),
    "probability": ("a number above 0 and at most 1", (int, float)),
    "seed": ("a whole number or null", (int, type(None))),
    "status": ("an HTTP status from 400 to 599, or null", (int, type(None))),
    "code": ("a text", (str,)),
    "inner": ("a text", (str,)),
    "message": ("a text", (str,)),
    "by": ("'platform' or 'container'", (str,)),
    "drop": ("'before' or 'after'", (str,)),
    "kill": ("true or false", (bool,)),
    "delay_seconds": ("a number of at least 0", (int, float)),
    "delay_factor": ("a number of at least 1", (int, float)),
    "copies": ("a whole number of at least 1", (int,)),
}
LEAST = {
    "count": 1,
    "for_seconds": 0,
    "delay_seconds": 0,
    "delay_factor": 1,
    "copies": 1,
    "status": 400,
}
MOST = {"probability": 1, "status": 599}


class BadRuleError(ValueError):
    """A rule that means nothing; `hint` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Family:
    """Operations besides those of ARM: `name`, then one part for each of `parts`."""

    name: str
    parts: str
    effects: tuple[str, ...]
    """The fields that say what happens; empty when being hit is the whole effect."""
    meaning: str

    @property
    def pattern(self) -> str:
        """Give how its operations are written."""
        return f"{self.name}.{self.parts}"


ARM = Family("", "", (*WORK, "drop"), "a call of the control plane")
FAMILIES = (
    Family(
        "Scoring",
        "ENDPOINT.DEPLOYMENT",
        ("status", "message", "by", "delay_seconds", "delay_factor", "drop", "kill"),
        "a scored request, also a mirrored one",
    ),
    Family("Provisioning", "ENDPOINT.DEPLOYMENT", WORK, "the work behind a deployment's PUT"),
    Family("EndpointProvisioning", "ENDPOINT", WORK, "the work behind an endpoint's PUT"),
    Family("Deletion", "ENDPOINT[.DEPLOYMENT]", WORK, "the work behind a DELETE"),
    Family("Step", "JOB.STEP", WORK, "a step of a job that runs"),
    Family("Hidden", "NAME[.NAME]", (), "a read: what exists is 404 and missing in lists"),
    Family("Stale", "NAME[.NAME]", (), "a read: shows what was before the last change"),
    Family("StaleTraffic", "ENDPOINT", (), "a read after traffic moved: the traffic of before"),
    Family("Event", "TYPE", ("drop", "copies", "delay_seconds"), "an event that is accepted"),
    Family("Delivery", "SUBSCRIPTION", ("status", "drop", "delay_seconds"), "one delivery"),
)


def check(rule: Mapping[str, Any], arm_operations: Collection[str]) -> None:
    """Refuse a rule that has unknown fields or operations, wrong values, or no effect."""
    for name, value in rule.items():
        _check_field(name, value)
    if not rule.get("operation"):
        raise BadRuleError(
            "A rule needs 'operation'.",
            "Write a name as GET /_emulator/requests shows it, or one of "
            + ", ".join(family.pattern for family in FAMILIES),
        )
    hit = families_of(str(rule["operation"]), arm_operations)
    if not hit:
        raise BadRuleError(
            f"There is no operation '{rule['operation']}'.",
            _closest(str(rule["operation"]), arm_operations),
        )
    _check_effects(rule, hit)


def families_of(operation: str, arm_operations: Collection[str]) -> list[Family]:
    """Give the kinds of operations that a pattern can hit."""
    pattern = operation.lower()
    found = [family for family in FAMILIES if _covers(pattern, family)]
    method = pattern.partition(" ")[0]
    if (method in METHODS and " " in pattern) or any(
        fnmatchcase(name.lower(), pattern) for name in arm_operations
    ):
        found.append(ARM)
    return found


def _covers(pattern: str, family: Family) -> bool:
    head, dot, rest = pattern.partition(".")
    if not dot:
        return fnmatchcase(f"{family.name.lower()}.x", pattern)
    return bool(rest) and fnmatchcase(family.name.lower(), head)


def _check_field(name: str, value: Any) -> None:
    if name not in TYPES:
        near = get_close_matches(name, TYPES, 1)
        known = f"'{near[0]}'" if near else "one of " + ", ".join(TYPES)
        raise BadRuleError(f"A rule has no field '{name}'.", f"Did you mean {known}?")
    expected, types = TYPES[name]
    wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
    number = None if wrong or isinstance(value, str) else value
    if number is not None and not wrong:
        wrong = not LEAST.get(name, number) <= number <= MOST.get(name, number)
        wrong = wrong or (name == "probability" and number <= 0)
    if name in CHOICES and not wrong:
        wrong = value not in CHOICES[name]
    if wrong:
        raise BadRuleError(f"'{name}' cannot be {value!r}.", f"It is {expected}.")


def _check_effects(rule: Mapping[str, Any], hit: list[Family]) -> None:
    effects = {name for family in hit for name in family.effects}
    given = [name for name in rule if name not in MATCHING]
    for name in given:
        if name not in effects:
            can = ", ".join(sorted(effects)) or "nothing else: to be hit is the whole effect"
            raise BadRuleError(
                f"'{name}' means nothing for '{rule['operation']}'.", f"There a rule can say {can}."
            )
    if effects and not {*given} - {"message", "by"} and all(family.effects for family in hit):
        raise BadRuleError(
            f"The rule for '{rule['operation']}' does nothing.",
            "Say what happens: " + ", ".join(sorted(effects - {"message", "by"})) + ".",
        )
    if hit == [ARM] and {"code", "inner"} & {*given} and not rule.get("status"):
        raise BadRuleError("'code' and 'inner' need a 'status'.", 'As in "status": 409.')


def _closest(operation: str, arm_operations: Collection[str]) -> str:
    names = [*arm_operations, *(family.pattern for family in FAMILIES)]
    folded = {name.lower(): name for name in names}
    near = get_close_matches(operation.lower(), folded, 3, 0.4)
    return "Did you mean " + " or ".join(folded[name] for name in near or sorted(folded)[:3]) + "?"
