"""How a CSV file becomes rows for a prediction."""

from __future__ import annotations

import io

import pytest

from noon.failures import UsageError
from noon.rows import csv_chunks

KINDS = {"origin": "category", "distance_miles": "number"}


def test_only_features_are_sent_and_missing_values_are_null() -> None:
    """A landed file can be asked about as it is: label and identifiers stay behind."""
    file = io.StringIO("flight,origin,distance_miles,late\n15,JFK,1089,true\n16,,,false\n")
    assert list(csv_chunks(file, "day.csv", KINDS, 100)) == [
        [{"origin": "JFK", "distance_miles": 1089.0}, {"origin": None, "distance_miles": None}]
    ]


def test_a_category_that_looks_like_a_number_stays_a_category() -> None:
    """The model file says what a column is, not its look."""
    file = io.StringIO("origin,distance_miles\n007,3\n")
    assert list(csv_chunks(file, "x", KINDS, 1)) == [[{"origin": "007", "distance_miles": 3.0}]]


def test_without_a_model_file_the_look_decides() -> None:
    """Every column of a model that this machine does not know is sent, by its look."""
    file = io.StringIO("a,b,c\n1e3,nan,\n")
    assert list(csv_chunks(file, "x", {}, 1)) == [[{"a": 1000.0, "b": "nan", "c": None}]]


@pytest.mark.parametrize(("rows", "sizes"), [(0, []), (1, [1]), (4, [2, 2]), (5, [2, 2, 1])])
def test_a_file_is_sent_in_chunks(rows: int, sizes: list[int]) -> None:
    """However long a file is, a request is not."""
    file = io.StringIO("origin,distance_miles\n" + "JFK,1\n" * rows)
    assert [len(chunk) for chunk in csv_chunks(file, "x", KINDS, 2)] == sizes


BAD_FILES = {
    "empty": ("", "f.csv is empty"),
    "column missing": ("origin\nJFK\n", "f.csv lacks columns of the model: distance_miles"),
    "column twice": ("origin,origin,distance_miles\n", "'origin' appears twice"),
    "short line": ("origin,distance_miles\nJFK,1\nEWR\n", "f.csv, line 3: 1 fields"),
    "not a number": (
        "origin,distance_miles\nJFK,far\n",
        "f.csv, line 2, column 'distance_miles': 'far' is not a number",
    ),
    "infinite": ("origin,distance_miles\nJFK,inf\n", "'inf' is not a number"),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_named_with_its_line(content: str, words: str) -> None:
    """Who has to mend a file is told where."""
    with pytest.raises(UsageError) as raised:
        list(csv_chunks(io.StringIO(content), "f.csv", KINDS, 100))
    assert words in str(raised.value)


def test_bytes_that_are_no_text_are_no_csv() -> None:
    """A picture is not a table."""
    file = io.TextIOWrapper(io.BytesIO(b"\x89PNG\r\n\xff\xfe"), "utf-8")
    with pytest.raises(UsageError, match="not a CSV file in UTF-8"):
        list(csv_chunks(file, "f.csv", KINDS, 100))
