"""Bad data is refused by name before anything is trained."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from examples import flights
from tests.training.steps import ROOT, Job, Ran, manifest_of, spec_of

HEADER = ",".join(flights.COLUMNS)


@dataclass(frozen=True)
class Refused:
    """A prepare step that refused its data."""

    ran: Ran
    reasons: dict[str | None, list[str]]


@pytest.fixture(scope="module")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Good landing files of ten days."""
    return dict(flights.day_files(date(2013, 1, 1), date(2013, 1, 10)))


def _job(home: Path, files: dict[str, bytes]) -> Job:
    """A job over these files, pinned as they are."""
    landing = home / "landing"
    (landing / "flights").mkdir(parents=True)
    for name, content in files.items():
        (landing / "flights" / name).write_bytes(content)
    spec = spec_of(ROOT / "models" / "flights.toml")
    return Job(home / "job", landing, spec, manifest_of(landing, "flights"))


def _refuse(job: Job) -> Refused:
    """Runs prepare, which must refuse, and sorts the reasons by file."""
    ran = job.step("prepare")
    assert ran.code == 3, ran.errors
    assert not (job.home / "report" / "prepared.json").exists()
    assert not (job.home / "data").exists()
    problem = job.read("report/problem.json")
    assert problem["schema"] == 1
    reasons: dict[str | None, list[str]] = {}
    for entry in problem["problems"]:
        name = entry["path"].removeprefix("flights/") if entry["path"] else None
        reasons.setdefault(name, []).append(entry["reason"])
    assert len(ran.errors.splitlines()) == len(problem["problems"])
    return Refused(ran, reasons)


def _edited(content: bytes, line: int, column: str, value: str) -> bytes:
    """A CSV file with one cell replaced."""
    lines = content.decode().splitlines()
    cells = lines[line - 1].split(",")
    cells[flights.COLUMNS.index(column)] = value
    lines[line - 1] = ",".join(cells)
    return ("\n".join(lines) + "\n").encode()


BAD_FILES = {
    "a-empty.csv": (b"", "empty: the file has no content"),
    "b-blank.csv": (b" \n\n", "empty: the file has no content"),
    "c-no-rows.csv": (f"{HEADER}\n".encode(), "empty: a header and no rows"),
    "d-picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00", "not a CSV file: it holds NUL bytes"),
    "e-latin.csv": (f"{HEADER}\nSão".encode("latin-1"), "is not UTF-8"),
    "f-page.csv": (b"<html><body>404</body></html>", "its first line names none of the columns"),
    "g-short.csv": (f"{HEADER}\n1,2,3\n".encode(), "line 2: 3 fields, the header has 20"),
    "h-quote.csv": (f'{HEADER}\n"a"b,2\n'.encode(), "not a CSV file: "),
    "i-missing.csv": (
        f"{HEADER.replace(',origin', '').replace(',late', '')}\n1\n".encode(),
        "missing columns: 'late', 'origin'",
    ),
    "j-extra.csv": (f"{HEADER},dep_delay\n1\n".encode(), "extra columns: 'dep_delay'"),
    "k-doubled.csv": (f"{HEADER},origin\n1\n".encode(), "doubled columns: 'origin'"),
}


@pytest.fixture(scope="module")
def bad_files(ten_days: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Refused:
    """Ten good days among files that are bad in every way a file can be."""
    good = ten_days["2013-01-01.csv"]
    files = {
        **ten_days,
        **{name: content for name, (content, _) in BAD_FILES.items()},
        "l-number.csv": _edited(good, 7, "distance_miles", "far"),
        "m-nan.csv": _edited(good, 3, "gust_mph", "nan"),
        "n-changed-later.csv": good,
        "o-cut-later.csv": good,
        "p-longer-later.csv": good,
        "q-deleted-later.csv": good,
    }
    job = _job(tmp_path_factory.mktemp("bad-files"), files)
    folder = job.landing / "flights"
    (folder / "n-changed-later.csv").write_bytes(good.replace(b",JFK,", b",LGA,", 1))
    (folder / "o-cut-later.csv").write_bytes(good[:1200])
    (folder / "p-longer-later.csv").write_bytes(good + b"\n")
    (folder / "q-deleted-later.csv").unlink()
    job.manifest["files"].append({"path": "../secret.csv", "size": 1, "md5": None, "etag": "0x1"})
    return _refuse(job)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_table_is_refused_by_name(bad_files: Refused, name: str) -> None:
    """Empty, undecodable, ragged or with the wrong columns: each bad file is named with why."""
    assert len(bad_files.reasons[name]) == 1
    assert BAD_FILES[name][1] in bad_files.reasons[name][0]
    assert f"flights/{name}" in bad_files.ran.errors


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("l-number.csv", "line 7, column 'distance_miles': 'far' is not a number"),
        ("m-nan.csv", "line 3, column 'gust_mph': 'nan' is not a number"),
    ],
)
def test_what_is_no_number_is_named_by_line_and_column(
    bad_files: Refused, name: str, reason: str
) -> None:
    """A missing number is an empty cell; any other text in its place is refused."""
    assert bad_files.reasons[name] == [reason]


def test_files_that_are_not_what_was_pinned_are_refused(bad_files: Refused) -> None:
    """Cut, longer, changed at the same size, deleted: the manifest tells each from the others."""
    (cut,) = bad_files.reasons["o-cut-later.csv"]
    assert cut.startswith("truncated: 1200 bytes, the manifest says ")
    (longer,) = bad_files.reasons["p-longer-later.csv"]
    assert longer.startswith("changed after it was pinned: ")
    (changed,) = bad_files.reasons["n-changed-later.csv"]
    assert changed.startswith("changed after it was pinned: MD5 ")
    (deleted,) = bad_files.reasons["q-deleted-later.csv"]
    assert deleted.startswith("missing: ")
    assert bad_files.reasons["../secret.csv"] == ["not a path below the landing container"]


def test_good_files_are_not_named(bad_files: Refused, ten_days: dict[str, bytes]) -> None:
    """Only what is wrong is named: the good days beside it are not."""
    assert not set(ten_days) & set(bad_files.reasons)


def test_values_are_traced_to_file_and_line(ten_days: dict[str, bytes], tmp_path: Path) -> None:
    """A row without a label, a day that is none, a number past float32: file, line and column."""
    files = dict(ten_days)
    for name, line, column, value in (
        ("2013-01-02.csv", 5, "late", ""),
        ("2013-01-02.csv", 8, "late", "NaN"),
        ("2013-01-03.csv", 9, "scheduled_at", "yesterday"),
        ("2013-01-04.csv", 2, "wind_mph", "1e39"),
        ("2013-01-05.csv", 4, "dest", "x" * 200),
    ):
        files[name] = _edited(files[name], line, column, value)
    reasons = _refuse(_job(tmp_path, files)).reasons
    assert reasons["2013-01-02.csv"] == [
        "line 5, column 'late' has no value, but it is the target",
        "line 8, column 'late' has no value, but it is the target: 'NaN'",
    ]
    assert reasons["2013-01-03.csv"] == [
        "line 9, column 'scheduled_at' is not a date or time in ISO 8601: 'yesterday'"
    ]
    (wind,) = reasons["2013-01-04.csv"]
    assert wind.startswith("line 2, column 'wind_mph' is too large for float32")
    (dest,) = reasons["2013-01-05.csv"]
    assert dest.startswith("line 4, column 'dest' is longer than 128 characters")


def test_integers_that_float32_rounds_are_refused(
    ten_days: dict[str, bytes], tmp_path: Path
) -> None:
    """A feature with integers above 2^24 would be served wrongly without a word."""
    files = dict(ten_days)
    files["2013-01-06.csv"] = _edited(files["2013-01-06.csv"], 3, "departure_minute", "1357000001")
    reasons = _refuse(_job(tmp_path, files)).reasons
    (reason,) = reasons[None]
    assert reason.startswith("column 'departure_minute' has integers above 16777216")


def test_too_few_days_for_a_holdout_are_refused(ten_days: dict[str, bytes], tmp_path: Path) -> None:
    """Seven days cannot be both trained on and held out."""
    week = dict(list(ten_days.items())[:7])
    (reason,) = _refuse(_job(tmp_path, week)).reasons[None]
    assert reason == (
        "too few days: the files hold 7 (2013-01-01 to 2013-01-07), a holdout of 7 needs at least 8"
    )


def test_one_class_cannot_be_learnt(ten_days: dict[str, bytes], tmp_path: Path) -> None:
    """Labels that are all the same are refused, since any model would look perfect."""
    on_time = {name: content.replace(b",true\n", b",false\n") for name, content in ten_days.items()}
    (reason,) = _refuse(_job(tmp_path, on_time)).reasons[None]
    assert reason == "the days to train on hold only one class of 'late': False"


def test_a_third_class_is_refused_where_the_metric_knows_two(
    ten_days: dict[str, bytes], tmp_path: Path
) -> None:
    """A label that is neither of the two is named before a model is trained for nothing."""
    first = ten_days["2013-01-01.csv"]
    files = {**ten_days, "2013-01-01.csv": _edited(first, 2, "late", "cancelled") + b"\n\n"}
    (reason,) = _refuse(_job(tmp_path, files)).reasons[None]
    assert reason == (
        "roc_auc needs two classes of 'late', the files hold 3: 'cancelled', 'false', 'true'"
    )


def test_nothing_pinned_and_another_models_manifest_are_refused(
    ten_days: dict[str, bytes], tmp_path: Path
) -> None:
    """A manifest without files or of another model is said to be so, not trained on."""
    job = _job(tmp_path, ten_days)
    nothing = replace(job, manifest={**job.manifest, "files": []})
    assert _refuse(nothing).reasons[None] == ["the manifest pins no files"]
    other = replace(job, home=tmp_path / "other", manifest={**job.manifest, "model": "trains"})
    assert _refuse(other).reasons[None] == [
        "the manifest is for trains, the specification for flights"
    ]


def test_missing_digest_still_compares_the_size(ten_days: dict[str, bytes], tmp_path: Path) -> None:
    """A blob without a stored MD5 is pinned by its size alone, and accepted when that fits."""
    job = _job(tmp_path, ten_days)
    for entry in job.manifest["files"]:
        entry["md5"] = None
    job.succeed("prepare")
    assert json.loads((job.home / "report" / "prepared.json").read_text())["files"] == 10
