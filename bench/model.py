"""The one model that everybody serves: flights, trained by the product's own components."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.places import HOME, ROOT

COMPONENTS = ROOT / "training_components"
MONTH = ("2013-01-01", "2013-01-31")
BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Model:
    """A folder with what is served, and rows with the answers that are right for them."""

    folder: Path
    rows: list[dict[str, Any]]
    expected: list[float]
    """The trained pipeline's probability that the flight is late, for each row."""


def trained() -> Model:
    """The model, trained when it is not there or the components have changed."""
    folder = HOME / "model"
    digest = _digest()
    done = folder / "trained"
    if not (done.exists() and done.read_text() == digest):
        print("bench: training the model", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _train(folder)
        done.write_text(digest)
    asked = json.loads((folder / "asked.json").read_text())
    return Model(folder, asked["rows"], asked["expected"])


def _digest() -> str:
    content = hashlib.sha256(Path(__file__).read_bytes())
    sources = [*COMPONENTS.rglob("*.py"), ROOT / "models" / "flights.toml"]
    for path in sorted(sources):
        content.update(path.read_bytes())
    return content.hexdigest()


def _train(folder: Path) -> None:
    """The three steps of a training job, then the pipeline itself for those who unpickle."""
    first, last = MONTH
    landing = folder / "landing"
    days = str(landing / "flights")
    _python(["-m", "examples.flights", "--from", first, "--to", last, "--out", days])
    _python(["-m", "bench.model", "--describe", str(folder)])
    common = ["--spec", str(folder / "spec.json")]
    data = ["--data", str(folder / "data")]
    pinned = ["--manifest", str(folder / "manifest.json"), "--landing", str(landing)]
    _step("prepare", *pinned, *common, *data, "--report", str(folder / "report"))
    draft, name = ["--draft", str(folder / "draft")], ["--job-name", "bench"]
    _step("train", *data, *common, *name, *draft)
    _step("evaluate", *data, *draft, *common, *name, "--model", str(folder / "model"))
    _python(["-m", "bench.model", "--fit", str(folder)])


def _step(component: str, *arguments: str) -> None:
    _python([str(COMPONENTS / component / "run.py"), *arguments])


def _python(arguments: list[str]) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "2"}
    subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def describe(folder: Path) -> None:
    """Write the specification and the manifest of what landed, as the control plane does."""
    import base64

    from shared.adapters.model_files import load_models

    spec = load_models(ROOT / "models")["flights"].training_spec
    (folder / "spec.json").write_text(json.dumps(spec))
    files = []
    for path in sorted((folder / "landing").rglob("*.csv")):
        content = path.read_bytes()
        md5 = hashlib.md5(content, usedforsecurity=False).digest()
        named = path.relative_to(folder / "landing").as_posix()
        size, digest = len(content), base64.b64encode(md5).decode()
        files.append({"path": named, "size": size, "md5": digest, "etag": "0x1"})
    manifest = {"schema": 1, "model": "flights", "data_version": "bench", "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def fit(folder: Path) -> None:
    """Fit the pipeline once more, which gives the same one, and keep it with rows and answers."""
    sys.path.insert(0, str(COMPONENTS / "train"))
    import joblib
    import numpy as np
    import run as train

    spec = json.loads((folder / "spec.json").read_text())
    columns = train.columns_of(folder / "data" / "train.npz")
    features = train.features_of(columns, spec)
    pipeline = train.fit(features, columns[spec["target"]], spec)
    joblib.dump(pipeline, folder / "pipeline.joblib")
    names = {name: its_kind == "number" for name, its_kind in spec["features"].items()}
    # Rows with nothing missing: a table of one row with a null is read differently by pandas.
    whole = features[(features != "").all(axis=1) & features.notna().all(axis=1)]
    sent = whole.iloc[: 2 * BATCH_ROWS].copy()
    rounded = pipeline.predict_proba(sent)[:, 1]
    for name in (name for name, is_number in names.items() if is_number):
        sent[name] = [float(str(np.float32(value))) for value in sent[name]]
    # Rows that mean the same as the decimals that are sent: trained on float32, the pipeline
    # reads some decimals on the other side of a threshold, as all who serve it by itself do.
    same = np.abs(pipeline.predict_proba(sent)[:, 1] - rounded) < 1e-9
    rows = sent[same].iloc[:BATCH_ROWS].to_dict("records")
    expected = rounded[same][:BATCH_ROWS].tolist()
    (folder / "asked.json").write_text(json.dumps({"rows": rows, "expected": expected}))


def main() -> int:
    """The parts of a training that need libraries of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--describe", type=Path)
    parser.add_argument("--fit", type=Path)
    asked = parser.parse_args()
    if asked.describe:
        describe(asked.describe)
    if asked.fit:
        fit(asked.fit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
