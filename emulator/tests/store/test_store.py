"""The durable store on its own."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from azure_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARENT = "/Workspaces/Here"


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    """Three hundred things below one parent; every third is archived."""
    store = Store(tmp_path / "small.sqlite")
    for number in range(300):
        body = {"properties": {"isArchived": number % 3 == 0, "number": number}}
        store.put(f"{PARENT}/things/Thing{number}", "things", body, parent=PARENT)
    yield store
    store.close()


def numbers(found: object) -> list[int]:
    """The numbers of what was found, in order."""
    return [one.properties["number"] for one in found]  # type: ignore[attr-defined]


def test_what_is_put_is_found_however_it_is_written(small_store: Store) -> None:
    """Keys have no case; names and ids keep theirs."""
    found = small_store.get("/WORKSPACES/here/THINGS/thing7/")
    assert found is not None
    assert (found.name, found.id) == ("Thing7", f"{PARENT}/things/Thing7")
    assert small_store.get(f"{PARENT}/things/other") is None


def test_a_walk_reads_on_from_where_it_was(small_store: Store) -> None:
    """Both ways, over more rows than are read at a time, and from any place on."""
    assert numbers(small_store.walk("things", PARENT)) == list(range(300))
    assert numbers(small_store.walk("things", PARENT.lower(), newest_first=True)) == list(
        range(299, -1, -1)
    )
    seventh = small_store.get(f"{PARENT}/things/Thing7")
    assert seventh is not None
    after = small_store.walk("things", PARENT, after=seventh.sequence)
    assert numbers(after) == list(range(8, 300))


def test_a_walk_keeps_what_is_archived_or_what_is_not(small_store: Store) -> None:
    """And what has a value in a field of its body."""
    archived = numbers(small_store.walk("things", PARENT, archived=True))
    assert archived == list(range(0, 300, 3))
    left = numbers(small_store.walk("things", PARENT, archived=False))
    assert sorted(archived + left) == list(range(300))
    small_store.put(f"{PARENT}/things/odd", "things", {"colour": "red"}, parent=PARENT)
    red = list(small_store.walk("things", PARENT, where=("colour", "red")))
    assert [one.name for one in red] == ["odd"]


def test_what_has_ended_is_left_out(small_store: Store) -> None:
    """A query by exclusion, for what must be taken up after a start."""
    for name, status in (("a", "Running"), ("b", "Completed"), ("c", "Queued")):
        small_store.put(f"/runs/{name}", "runs", {"status": status})
    found = small_store.without("runs", "status", ("Completed", "Failed"))
    assert [one.name for one in found] == ["a", "c"]


def test_names_and_parents(small_store: Store) -> None:
    """Names come in the order of their making, parents once."""
    assert small_store.names("things", PARENT)[:3] == ("Thing0", "Thing1", "Thing2")
    assert small_store.parents("things") == ("workspaces/here",)


def test_changes_by_many_threads_are_all_there(small_store: Store) -> None:
    """A change reads and writes in one step."""

    def count() -> None:
        for _ in range(50):
            small_store.change(f"{PARENT}/things/Thing1", add_one)

    def add_one(body: dict[str, object], _: dict[str, object]) -> None:
        body["count"] = int(str(body.get("count", 0))) + 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changed = small_store.get(f"{PARENT}/things/Thing1")
    assert changed is not None
    assert changed.body["count"] == 400
    assert small_store.change("/nothing", add_one) is None


def test_a_store_opened_again_holds_what_it_held(small_store: Store, tmp_path: Path) -> None:
    """Also one of an earlier release, which has no indexes but the first."""
    old = sqlite3.connect(tmp_path / "small.sqlite")
    old.execute("DROP INDEX resources_by_sequence")
    old.execute("DROP INDEX resources_by_archived")
    old.close()
    again = Store(tmp_path / "small.sqlite")
    assert len(again.list("things", PARENT)) == 300
    assert len(list(again.walk("things", PARENT, archived=True))) == 100
    again.close()


def test_pages_are_found_by_index(small_store: Store, tmp_path: Path) -> None:
    """However much is stored, a page of a list reads no more than its rows."""
    plans = sqlite3.connect(tmp_path / "small.sqlite")
    for filtered, index in (
        ("", "resources_by_parent"),
        (
            " AND coalesce(json_extract(body, '$.properties.isArchived'),"
            " json_extract(body, '$.hidden'), 0) = 0",
            "resources_by_archived",
        ),
    ):
        query = "EXPLAIN QUERY PLAN SELECT * FROM resources WHERE kind = 'things' AND parent = 'x'"
        plan = plans.execute(query + filtered + " ORDER BY sequence DESC LIMIT 10").fetchall()
        assert [index in row[3] for row in plan] == [True], plan
    plans.close()
