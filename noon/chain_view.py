"""Shows to people how something came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from noon.show import IDLE, clock

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLES = {
    "verdict": "bold",
    "check": "cyan",
    "traffic": "magenta",
    "prediction": "bold green",
    "job": "yellow",
}
WIDTH = 240
QUIET = frozenset({"decision", "kind", "cause", "outcome", "actions", "counts", "traffic"})
"""Facts that are told in words of their own, or are for scripts."""


def chain(told: dict[str, Any]) -> Tree:
    """The chain as a tree: a line for each link, below it its reasons and what was looked at."""
    title = f"why {told['what']} {told['asked']} ({told['model']})"
    tree = Tree(Text(title, style="bold"), guide_style="dim")
    for link in told["links"]:
        line = Text(f"{clock(link['at'])} ", style="dim")
        line.append(f"{link['kind']:<10} ", STYLES.get(link["kind"], "default"))
        line.append(link["what"], "default")
        branch = tree.add(line)
        for text in _below(link):
            branch.add(Text(text))
    return tree


def _below(link: dict[str, Any]) -> Iterator[str]:
    for reason in link["reasons"]:
        if reason["text"] and reason["code"] not in IDLE:
            yield reason["text"]
    facts = link["facts"]
    for action in facts.get("actions") or ():
        yield f"ordered: {action}"
    if facts.get("outcome") not in (None, "done"):
        yield f"outcome: {facts['outcome']}"
    for name, counts in (facts.get("counts") or {}).items():
        yield (
            f"{name}: {counts['requests']} requests, {counts['failures']} failed, "
            f"{counts['topped_up']} recorded rows, p95 {counts['p95_ms']} ms"
        )
    if link["kind"] == "verdict":
        numbers = {key: value for key, value in facts.items() if key not in QUIET | {"verdict"}}
        yield ", ".join(f"{key} {_number(value)}" for key, value in numbers.items())


def _number(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
