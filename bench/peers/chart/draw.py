"""Draws the chart of the docs page: requests a second at 16 connections, best first.

python draw.py results.json chart.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = {
    "ours": "#0b7285",
    "peer": "#868e96",
    "peer with onnxruntime": "#ced4da",
    "limit": "#f1c40f",
}
LABELS = {
    "ours": "Noon",
    "peer": "as its users run it",
    "peer with onnxruntime": "with onnxruntime inside",
    "limit": "limit: answers without a model",
}


def main() -> None:
    """Draw it."""
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = [
        (median(each["loads"]["16"]["per_second"]), each["name"], each["kind"])
        for each in results["servers"]
        if each.get("loads") and not each["loads"]["16"]["bad"]
    ]
    rates, names, kinds = zip(*sorted(found), strict=True)
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(found) + 1.2), layout="constrained")
    bars = axes.barh(names, rates, color=[COLOURS[kind] for kind in kinds])
    axes.bar_label(bars, labels=[f"{rate:,.0f}" for rate in rates], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(left=min(10, *(rate / 2 for rate in rates if rate)), right=max(rates) * 4)
    axes.set_xlabel("requests a second, one row each, 16 connections, one worker (log scale)")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[kind]) for kind in LABELS]
    axes.legend(handles, LABELS.values(), loc="lower right", frameon=False)
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
