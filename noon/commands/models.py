"""`noon train` and `predict`: requests to the function app."""

from __future__ import annotations

import csv
import getpass
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from noon.client import find_app
from noon.failures import CommandError, ExitCode, UsageError
from noon.models import feature_kinds
from noon.rows import csv_chunks, row_of_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from noon.client import AppClient


def run_train(model: str, because: str, *, as_json: bool) -> int:
    """Order a training in the name of the user of this shell."""
    if not because.strip():
        raise UsageError("--because needs a reason: it is kept with the decision")
    order = find_app().train(model, because.strip(), getpass.getuser())
    if as_json:
        _print_json({"order_id": order})
    else:
        print(f"ordered: {order}. Watch it with: noon status")
    return ExitCode.OK


def run_predict(
    model: str, row: str | None, path: Path | None, *, chunk_rows: int, as_json: bool
) -> int:
    """Score one row or a whole file."""
    if (row is None) == (path is None):
        raise UsageError("give the rows by --row '{…}' or by --csv FILE, one of the two")
    if row is not None:
        return _predict_row(model, sys.stdin.read() if row == "-" else row, as_json=as_json)
    assert path is not None
    app = find_app()
    with _opened(path) as file:
        return _predict_file(app, model, file, str(path), chunk_rows, as_json=as_json)


def _predict_row(model: str, text: str, *, as_json: bool) -> int:
    row = row_of_json(text)
    answer = find_app().predict(model, [row])
    if as_json:
        _print_json(answer)
        return ExitCode.OK
    flat = _flat(answer["predictions"][0])
    by = answer.get("model", {})
    print(", ".join(f"{name} {_short(value)}" for name, value in flat.items()))
    print(f"by {by.get('name')} version {by.get('version')}, deployment {by.get('deployment')}")
    return ExitCode.OK


def _predict_file(
    app: AppClient, model: str, file: TextIO, name: str, chunk_rows: int, *, as_json: bool
) -> int:
    done = 0
    writer = None
    for chunk in csv_chunks(file, name, feature_kinds(model), chunk_rows):
        try:
            answers = app.predict(model, chunk)["predictions"]
        except CommandError as error:
            error.args = (f"rows {done + 1} to {done + len(chunk)} of {name}: {error}",)
            raise
        for answer in answers:
            if as_json:
                print(json.dumps(answer))
                continue
            flat = _flat(answer)
            if writer is None:
                writer = csv.DictWriter(sys.stdout, list(flat), lineterminator="\n")
                writer.writeheader()
            writer.writerow(flat)
        done += len(chunk)
    if not done:
        raise UsageError(f"{name} has a header and no rows")
    return ExitCode.OK


def _flat(prediction: dict[str, Any]) -> dict[str, Any]:
    """One prediction as columns: `label`, `probability_<class>`…, or `value`."""
    flat = {key: value for key, value in prediction.items() if key != "probabilities"}
    for name, value in (prediction.get("probabilities") or {}).items():
        flat[f"probability_{name}"] = value
    return {key: json.dumps(v) if isinstance(v, bool) else v for key, v in flat.items()}


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if str(path) == "-":
        yield sys.stdin
        return
    try:
        file = path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        yield file


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False))
