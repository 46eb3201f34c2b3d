"""Which events a filter lets through."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure_emulator.event_grid.errors import RefusedError
from azure_emulator.event_grid.event import Event
from azure_emulator.event_grid.filters import parse_filter

EVENT = Event(
    id="1",
    topic="/subscriptions/s",
    type="Microsoft.Storage.BlobCreated",
    subject="/blobServices/default/containers/Landing/blobs/flights/2013-01-01.csv",
    data={
        "api": "PutBlob",
        "contentLength": 10,
        "RunTags": {"Kind": "Pipeline"},
        "child": False,
        "tags": ["a", "b"],
    },
    at=datetime(2026, 11, 23, tzinfo=UTC),
)


def advanced(operator: str, key: str, *values: Any) -> dict[str, Any]:
    """Return a filter with one condition."""
    return {"advancedFilters": [{"operatorType": operator, "key": key, "values": list(values)}]}


@pytest.mark.behaviour("Advanced filters look keys up without case")
@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({}, True),
        ({"includedEventTypes": ["microsoft.storage.blobcreated"]}, True),
        ({"includedEventTypes": ["Microsoft.Storage.BlobDeleted"]}, False),
        ({"includedEventTypes": []}, False),
        ({"subjectBeginsWith": "/blobservices/default/containers/landing/"}, True),
        (
            {"subjectBeginsWith": "/blobservices/", "isSubjectCaseSensitive": True},
            False,
        ),
        ({"subjectBeginsWith": "/blobServices/default/containers/other"}, False),
        ({"subjectEndsWith": ".CSV"}, True),
        ({"subjectEndsWith": ".parquet"}, False),
        (advanced("StringIn", "data.api", "CopyBlob", "putblob"), True),
        (advanced("StringIn", "data.missing", "x"), False),
        (advanced("StringNotIn", "data.missing", "x"), True),
        (advanced("StringNotIn", "data.api", "PutBlob"), False),
        (advanced("StringContains", "Subject", "FLIGHTS"), True),
        (advanced("StringContains", "data.contentLength", "1"), False),
        (advanced("StringBeginsWith", "data.runtags.kind", "pipe"), True),
        (advanced("StringEndsWith", "eventType", "Deleted"), False),
        (
            {
                "advancedFilters": [
                    {"operatorType": "BoolEquals", "key": "data.CHILD", "value": False}
                ]
            },
            True,
        ),
        (
            {
                "advancedFilters": [
                    {"operatorType": "BoolEquals", "key": "data.child", "value": True}
                ]
            },
            False,
        ),
        (advanced("BoolEquals", "data.contentLength", True), False),
        (
            {
                "advancedFilters": [
                    {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 9}
                ]
            },
            True,
        ),
        (advanced("NumberGreaterThan", "data.contentLength", 10), False),
        (advanced("NumberGreaterThanOrEquals", "data.contentLength", 10), True),
        (advanced("NumberLessThan", "data.api", 10), False),
        (advanced("NumberIn", "data.contentLength", 1, 10), True),
        (advanced("NumberNotIn", "data.contentLength", 1, 2), True),
        (advanced("NumberNotIn", "data.missing", 1), True),
        (advanced("NumberInRange", "data.contentLength", [1, 2], [9, 10]), True),
        (advanced("NumberInRange", "data.contentLength", [11, 20]), False),
        (advanced("NumberNotInRange", "data.contentLength", [1, 20]), False),
        (advanced("StringNotContains", "data.api", "Block"), True),
        (advanced("StringNotBeginsWith", "data.api", "put"), False),
        (advanced("StringNotEndsWith", "data.api", "List"), True),
        (advanced("IsNullOrUndefined", "data.missing"), True),
        (advanced("IsNullOrUndefined", "data.api"), False),
        (advanced("IsNotNull", "data.child"), True),
        (advanced("StringIn", "data.tags", "a"), False),
        ({**advanced("StringIn", "data.tags", "A"), "enableAdvancedFilteringOnArrays": True}, True),
        (
            {**advanced("StringNotIn", "data.tags", "a"), "enableAdvancedFilteringOnArrays": True},
            False,
        ),
        (
            {**advanced("StringNotIn", "data.tags", "c"), "enableAdvancedFilteringOnArrays": True},
            True,
        ),
        (
            {
                "subjectEndsWith": ".csv",
                "advancedFilters": [
                    {"operatorType": "StringIn", "key": "data.api", "values": ["PutBlob"]},
                    {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 99},
                ],
            },
            False,
        ),
    ],
)
def test_all_parts_of_a_filter_must_fit(document: dict[str, Any], wanted: bool) -> None:
    """Types, beginning, end and every condition; keys and texts without case."""
    assert parse_filter(document).wants(EVENT) is wanted


@pytest.mark.parametrize(
    "document",
    [
        advanced("NumberGreaterThan", "data.contentLength", "ten"),
        advanced("NumberInRange", "data.contentLength", 1),
        advanced("BoolEquals", "data.child", "false"),
        advanced("StringIn", "data.api", 1),
        advanced("StringIn", "", "x"),
        {"advancedFilters": [{"operatorType": "StringIn", "key": "data.api", "values": "x"}]},
        {"advancedFilters": [{"operatorType": "IsNotNull", "key": "data.api"}] * 26},
        {"includedEventTypes": "Microsoft.Storage.BlobCreated"},
    ],
)
def test_a_filter_that_means_nothing_is_refused(document: dict[str, Any]) -> None:
    """When the subscription is made, not when its first event comes."""
    with pytest.raises(RefusedError) as refusal:
        parse_filter(document)
    assert refusal.value.status == 400


def test_an_operator_that_is_not_known_is_refused_by_name() -> None:
    """As everything that the emulator cannot do."""
    with pytest.raises(RefusedError, match="StringSoundsLike") as refusal:
        parse_filter(advanced("StringSoundsLike", "data.api", "x"))
    assert refusal.value.status == 501
