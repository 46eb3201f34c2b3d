"""What a deployment would change, as Azure foretells it, told to people."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

WORDS = {
    "Create": "create",
    "Delete": "delete",
    "Modify": "change",
    "Deploy": "deploy",
    "Unsupported": "unknown",
    "NoChange": "",
    "Ignore": "",
}
"""Azure's types of change; the empty ones change nothing."""
ORDER = ("delete", "change", "create", "deploy", "unknown")
"""What can hurt comes first."""
PROPERTIES_SHOWN = 6
VALUE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource."""

    what: str
    """`create`, `change`, `delete`, `deploy`, or `unknown` where Azure cannot tell."""
    kind: str
    """Type of the resource, such as Microsoft.Web/sites."""
    name: str
    resource_id: str
    properties: tuple[str, ...] = ()
    """What changes of it, one `path: before → after` each."""


def changes(answer: Mapping[str, Any]) -> list[Change]:
    """Give what changes, deletions first, of the answer of `az deployment … what-if`."""
    found = [change for entry in answer.get("changes") or () if (change := _change(entry))]
    return sorted(found, key=lambda c: (ORDER.index(c.what), c.kind, c.name))


def summary(found: Sequence[Change]) -> str:
    """How many of each, in one line."""
    counts = Counter(change.what for change in found)
    told = [f"{counts[what]} to {what}" for what in ORDER[:-1] if counts[what]]
    told += [f"{counts['unknown']} of which Azure cannot tell"] if counts["unknown"] else []
    return ", ".join(told) or "nothing changes"


def as_data(found: Sequence[Change]) -> dict[str, Any]:
    """The changes for scripts."""
    return {"summary": summary(found), "changes": [asdict(change) for change in found]}


def table(found: Sequence[Change]) -> Table:
    """The changes as a table."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("", "resource", "name", "what changes", box=None, pad_edge=False)
    styles = {"delete": "red", "change": "yellow", "create": "green"}
    for change in found:
        more = len(change.properties) - PROPERTIES_SHOWN
        lines = [*change.properties[:PROPERTIES_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        what = Text(change.what, style=styles.get(change.what, ""))
        shown.add_row(what, Text(change.kind), Text(change.name), Text("\n".join(lines)))
    return shown


def markdown(found: Sequence[Change]) -> str:
    """The changes as a table for a pull request."""
    lines = [f"**What would change: {summary(found)}**", ""]
    if found:
        lines += ["| | resource | name | what changes |", "|---|---|---|---|"]
    for change in found:
        what = "<br>".join(f"`{each}`" for each in change.properties[:PROPERTIES_SHOWN])
        lines.append(f"| {change.what} | {change.kind} | {change.name} | {what} |")
    return "\n".join(lines)


def _change(entry: Mapping[str, Any]) -> Change | None:
    what = WORDS.get(entry["changeType"], "unknown")
    if not what:
        return None
    kind, name = _kind_and_name(entry["resourceId"])
    said = tuple(_properties(entry.get("delta") or (), ""))
    if what == "unknown":
        said = (str(entry.get("unsupportedReason") or "Azure cannot tell"),)
    return Change(what, kind, name, entry["resourceId"], said)


def _properties(delta: Sequence[Mapping[str, Any]], above: str) -> Iterator[str]:
    """Each property that changes, by its whole path."""
    for part in delta:
        path = f"{above}{part['path']}"
        if part.get("propertyChangeType") == "NoEffect":
            continue
        if children := part.get("children"):
            yield from _properties(children, f"{path}.")
        else:
            yield f"{path}: {_short(part.get('before'))} → {_short(part.get('after'))}"


def _short(value: object) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"


def _kind_and_name(resource_id: str) -> tuple[str, str]:
    """Type and name of a resource by its ARM id; those of the last provider in it."""
    _, found, rest = resource_id.rpartition("/providers/")
    parts = rest.split("/")
    if not found:
        return "resource group", resource_id.rstrip("/").rpartition("/")[2]
    kind = "/".join([parts[0], *parts[1::2]])
    return kind, "/".join(parts[2::2])
