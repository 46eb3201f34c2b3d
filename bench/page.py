"""Writes the figures of a run between the markers of the docs page, and draws the chart."""

from __future__ import annotations

import json
import subprocess

from bench.environments import install
from bench.figures import Figures
from bench.places import CHART, HOME, PAGE, PEERS, BenchError
from bench.table import table

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def write_page(results: Figures) -> None:
    """Bring the page and its chart up to date."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_figures(text, table(results)), encoding="utf-8")
    environment = install("chart", PEERS / "chart" / "requirements.txt")
    given = HOME / "chart.json"
    given.write_text(json.dumps(results), encoding="utf-8")
    command = [str(environment.python), str(PEERS / "chart" / "draw.py"), str(given), str(CHART)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"the chart cannot be drawn: {done.stderr.strip()[-300:]}")


def with_figures(text: str, figures: str) -> str:
    """The page with these figures in place of the former ones."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise BenchError(f"{PAGE} has lost its markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"
