"""The decision log in an Azure table, newest first, with index rows in the same partition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from shared.adapters.azure_tables import TRANSACTION_MAX, AzureTable, escaped
from shared.domain.decision import Decision, Json, Kind, Mark, Reason

TEXT_MAX = 30_000
"""Characters of one property; a table takes 32 Ki."""
KEY_MAX = 300
"""Characters of a key in a row's key; a table takes 512."""
COPIED_MAX = 10_000
"""Characters of a decision that its index rows copy, so that one query reads many; a transaction
takes 4 MiB."""
TOGETHER_MAX = 200_000
"""Characters of the decisions in the row of a state; a row takes 1 MiB of two bytes each."""
PLANNED = {"kind": "planned_kind", "outcome": "planned_outcome"}
"""Columns for how a pass meant to end, beside those for how it did."""
CUT = " … [cut]"
EPOCH = datetime.fromtimestamp(0, UTC)
FAR = 10**17
"""Microseconds after the epoch that no decision reaches (the year 5138)."""


class AzureTableDecisionLog:
    """A row for each decision and one for each thing that it is about, with a copy if it is small.

    A table sorts by key, upwards only: keys hold the time that is left until a far day, so that
    the newest come first and a query can stop early.
    """

    def __init__(self, table: AzureTable) -> None:
        self._table = table

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it, and of `also` what is not there.

        One transaction up to some hundred rows, one for each decision and each thing that it is
        about; beyond, a decision comes with the last of its rows.
        """
        writes = [(row, True) for each in also for row in _rows(each, _unless_kept(each))]
        writes += [(row, False) for row in _rows(decision, decision_row(decision))]
        waiting = iter(writes)
        while together := list(islice(waiting, TRANSACTION_MAX)):
            self._table.upsert_together(together)

    def since(
        self, model: str, since: datetime | Mark, most: int, before: Mark | None = None
    ) -> list[Decision]:
        """The newest `most` decisions of a model from `since` on, oldest first."""
        # Nothing lies between a mark's own key and the one with "!", which no id holds.
        newest = "d-" if before is None else f"d-{_order(before)}!"
        oldest = f"d-{_left(since)}~" if isinstance(since, datetime) else f"d-{_order(since)}"
        rows = self._range(model, newest, oldest, most, also_last=isinstance(since, datetime))
        return [decision_of(row) for row in reversed(rows)]

    def about(
        self, model: str, key: str, most: int, until: datetime | None = None
    ) -> list[Decision]:
        """The newest `most` decisions with this key among their `about`, oldest first."""
        prefix = f"i-{_key(key)}!"
        # What is left until the far day grows with age: those after `until` have less.
        newest = prefix if until is None else prefix + _left(until)
        found = []
        for row in reversed(self._range(model, newest, prefix + "~", most)):
            order = str(row["RowKey"]).removeprefix(prefix)
            whole = row if "kind" in row else self._table.get(model, f"d-{order}")
            if whole is not None:
                found.append(decision_of(whole))
        return found

    def expire(self, model: str, before: datetime, most: int) -> int:
        """Delete up to `most` decisions of a model from before an instant; gives how many."""
        # A microsecond more is left for whatever is older than the instant itself.
        oldest = f"d-{_left(before - timedelta(microseconds=1))}"
        found = self._range(model, oldest, "d-~", most)
        keys: list[str] = []
        for row in found:
            order = str(row["RowKey"]).removeprefix("d-")
            about = dict.fromkeys(json.loads(row["about"]))
            # The decision after its keys: while it is there, the rest is found again.
            keys += [*(f"i-{_key(key)}!{order}" for key in about), f"d-{order}"]
        self._table.delete_together(model, keys)
        return len(found)

    def claim_expiry(self, day: str) -> bool:
        """True for the first one that asks for the day, in any process."""
        return self._table.insert({"PartitionKey": "_expiry", "RowKey": day})

    def _range(
        self, model: str, low: str, high: str, most: int, *, also_last: bool = True
    ) -> list[Any]:
        up_to = "le" if also_last else "lt"
        return list(
            self._table.query(
                f"PartitionKey eq @model and RowKey ge @low and RowKey {up_to} @high",
                {"model": model, "low": low, "high": high},
                most=most,
            )
        )


def decision_row(decision: Decision) -> dict[str, Any]:
    """The row of a decision; what is too long for a table is cut with a mark."""
    return {
        "PartitionKey": decision.model,
        "RowKey": f"d-{_order(decision)}",
        "id": decision.id,
        "at": decision.at,
        "cause": _cut(decision.cause),
        "kind": decision.kind.value,
        "outcome": _cut(decision.outcome),
        "reasons": _texts([f"{reason.code}\n{reason.text}" for reason in decision.reasons]),
        "actions": _texts(decision.actions),
        "about": _texts(decision.about),
        "facts": _facts(decision.facts),
    }


def _unless_kept(decision: Decision) -> dict[str, Any]:
    """The row of a decision, laid under the one that may be there already.

    Merged, it changes no column that says how the pass ended; a row that is new has only these.
    """
    row = decision_row(decision)
    return {PLANNED.get(column, column): value for column, value in row.items()}


def _rows(decision: Decision, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row, after one for each thing that it is about, with a copy if it is small."""
    order = _order(decision)
    small = sum(len(str(value)) for value in row.values()) <= COPIED_MAX
    copied = row if small else {"PartitionKey": decision.model}
    keys = dict.fromkeys(decision.about)
    return [*(copied | {"RowKey": f"i-{_key(key)}!{order}"} for key in keys), row]


def decisions_text(decisions: Sequence[Decision]) -> str:
    """Decisions as a text, for the row of a state; some detail of very long ones is left out."""
    rows = [decision_row(decision) | {"at": decision.at.isoformat()} for decision in decisions]
    text = json.dumps(rows)
    if len(text) <= TOGETHER_MAX:
        return text
    brief = [
        row | {"reasons": _texts(json.loads(row["reasons"])[:1]), "actions": "[]", "facts": "{}"}
        for row in rows
    ]
    return json.dumps(brief)


def decisions_of(text: str) -> list[Decision]:
    """The decisions in such a text; none in an empty one."""
    rows = json.loads(text) if text else []
    return [decision_of(row | {"at": datetime.fromisoformat(row["at"])}) for row in rows]


def decision_of(row: Mapping[str, Any]) -> Decision:
    """The decision in a row."""
    reasons = [text.partition("\n") for text in json.loads(row["reasons"])]
    return Decision(
        id=str(row["id"]),
        model=str(row["PartitionKey"]),
        at=EPOCH + (row["at"] - EPOCH),
        cause=str(row["cause"]),
        kind=Kind(row.get("kind") or row["planned_kind"]),
        reasons=tuple(Reason(code, text) for code, _, text in reasons),
        actions=tuple(json.loads(row["actions"])),
        outcome=str(row.get("outcome") or row["planned_outcome"]),
        about=tuple(json.loads(row["about"])),
        facts=json.loads(row["facts"]),
    )


def _order(decision: Decision | Mark) -> str:
    return f"{_left(decision.at)}-{escaped(decision.id)}"


def _left(at: datetime) -> str:
    return f"{FAR - (at - EPOCH) // timedelta(microseconds=1):018d}"


def _key(key: str) -> str:
    """The key as a part of a row's key; a long one ends in its digest."""
    text = escaped(key)
    if len(text) <= KEY_MAX:
        return text
    return f"{text[: KEY_MAX - 41]}-{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def _cut(text: str, most: int = TEXT_MAX // 2) -> str:
    # Half, since a table counts some characters twice.
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _texts(texts: Sequence[str]) -> str:
    """The texts as JSON: long ones are cut, then the last are left out, until it fits."""
    keep = len(texts)
    while True:
        more = [f"… {len(texts) - keep} more [cut]"] if keep < len(texts) else []
        text = json.dumps([_cut(text, 2000) for text in texts[:keep]] + more)
        if len(text) <= TEXT_MAX:
            return text
        keep //= 2


def _facts(facts: Mapping[str, Json]) -> str:
    text = json.dumps(facts)
    if len(text) <= TEXT_MAX:
        return text
    # Half: the text is JSON already, and quoting it once more adds backslashes.
    return json.dumps({"cut": _cut(text)})
