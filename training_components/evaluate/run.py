"""Judges the draft beside champion and anchor on the same holdout and emits the final model folder.

Only numpy and onnxruntime are needed: what is judged is the exported file, as it will be served.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from compare import Holdout, figure, interval_json, slices
from metrics import METRICS, Metric
from published import check
from scoring import CannotScore, OnnxModel, answer_samples, latency, parity

KEPT = ("model.onnx", "schema.json", "sample.json", "lineage.json")
# Beside them where the trees were exported once more by themselves.
KEPT_IF_THERE = ("trees.onnx", "trees.json")


def previous(folder: Path | None, version: str, holdout: Holdout) -> dict[str, Any] | None:
    """An earlier model's version and scores on the holdout, the scores None with the reason why.

    None altogether when there is no earlier model. One that cannot be scored is never left out:
    missing scores stop the gate, a missing model would not.
    """
    if folder is None:
        return None
    earlier: dict[str, Any] = {"version": version, "scores": None, "note": None}
    try:
        earlier["scores"] = OnnxModel.load(folder).scores(holdout.columns, holdout.classes)
    except CannotScore as error:
        earlier["note"] = f"version {earlier['version']} cannot be scored: {error}"
        print(earlier["note"], file=sys.stderr)
    return earlier


def baseline(data: Path, spec: dict[str, Any], holdout: Holdout) -> tuple[str, Any]:
    """What one would answer without looking at the row: the class frequencies, or the mean."""
    import numpy as np

    with np.load(data / "train.npz", allow_pickle=False) as arrays:
        target = arrays[f"column:{spec['target']}"]
    if holdout.classes is None:
        return "mean", np.full((len(holdout), 1), target.mean())
    frequencies = np.bincount(target, minlength=len(holdout.classes)) / len(target)
    return "prior", np.tile(frequencies, (len(holdout), 1))


def judge(
    asked: argparse.Namespace, spec: dict[str, Any], prepared: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The content of metrics.json, and notes on what could not be computed."""
    settings = spec["evaluation"]
    metric: Metric = METRICS[spec["metric"]]
    if metric.task != spec["task"]:
        raise ValueError(f"{metric.name} judges a {metric.task}, and this is a {spec['task']}")
    holdout = Holdout.load(asked.data, spec, prepared)
    challenger = OnnxModel.load(asked.draft)
    scores = challenger.scores(holdout.columns, holdout.classes)
    name, constant = baseline(asked.data, spec, holdout)
    champion = previous(asked.champion, asked.champion_version, holdout)
    anchor = previous(asked.anchor, asked.anchor_version, holdout)
    against = {
        "baseline": constant,
        "champion": champion and champion["scores"],
        "anchor": anchor and anchor["scores"],
    }
    values, differences = figure(metric, holdout, scores, against, settings)
    document = {
        "schema": 1,
        "model": spec["model"],
        "task": spec["task"],
        "job_name": asked.job_name,
        "data_version": prepared["data_version"],
        "metric": {"name": metric.name, "higher_is_better": metric.higher_is_better},
        "trained_rows": prepared["trained"]["rows"],
        "landed_rows": prepared["landed_rows"],
        "holdout": prepared["holdout"],
        "challenger": {"value": values["challenger"]},
        "baseline": {"name": name, "value": values["baseline"]},
        "champion": champion and {"version": champion["version"], "value": values["champion"]},
        "anchor": anchor and {"version": anchor["version"], "value": values["anchor"]},
        **{f"versus_{whom}": interval_json(differences[whom]) for whom in against},
        "slices": slices(metric, holdout, scores, against["champion"], spec["slices"], settings),
        "parity": parity(challenger, asked.draft),
        "latency": latency(challenger, holdout.columns, int(settings["latency_rows"])),
        "sample_rows": answer_samples(challenger, asked.draft / "sample.json"),
    }
    notes = [earlier["note"] for earlier in (champion, anchor) if earlier and earlier["note"]]
    return document, notes


def write_folder(asked: argparse.Namespace, document: dict[str, Any], notes: list[str]) -> None:
    """Writes the final model folder; nothing of it when metrics.json is not as published."""
    check(document)
    asked.model.mkdir(parents=True, exist_ok=True)
    there = [name for name in KEPT_IF_THERE if (asked.draft / name).exists()]
    for name in (*KEPT, *there):
        shutil.copyfile(asked.draft / name, asked.model / name)
    lineage = json.loads((asked.draft / "lineage.json").read_text(encoding="utf-8"))
    for name, content in (("lineage", {**lineage, "notes": notes}), ("metrics", document)):
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        (asked.model / f"{name}.json").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Runs the step over the paths on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="what prepare wrote")
    parser.add_argument("--draft", type=Path, required=True, help="what train wrote")
    parser.add_argument("--spec", type=Path, required=True, help="how to judge")
    parser.add_argument("--job-name", required=True, help="the pipeline job")
    parser.add_argument("--champion", type=Path, help="the model folder in production")
    parser.add_argument("--champion-version", help="its version")
    parser.add_argument("--anchor", type=Path, help="the best of the last champions")
    parser.add_argument("--anchor-version", help="its version")
    parser.add_argument("--model", type=Path, required=True, help="output: the model folder")
    asked = parser.parse_args(arguments)
    for whom in ("champion", "anchor"):
        if (getattr(asked, whom) is None) != (getattr(asked, f"{whom}_version") is None):
            parser.error(f"--{whom} and --{whom}-version belong together")
    spec = json.loads(asked.spec.read_text(encoding="utf-8"))
    prepared = json.loads((asked.data / "prepared.json").read_text(encoding="utf-8"))
    document, notes = judge(asked, spec, prepared)
    write_folder(asked, document, notes)
    print(
        f"{document['metric']['name']} {document['challenger']['value']} on "
        f"{document['holdout']['rows']} rows, versus champion {document['versus_champion']}, "
        f"parity {document['parity']}, latency {document['latency']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
