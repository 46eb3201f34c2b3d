"""`python -m azure_emulator.conformance README TESTS`: writes the tables into the README."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential

from ..in_process import InProcessAzure
from ..testing import start_azurite, start_emulator
from . import page
from .coverage import FAILS, Result, other_classes, probe, rest_operations
from .probe_world import CONTAINER, World

BEHAVIOURS, SPEED = "Behaviours and samples", "Speed and size"


def main(
    readme: Annotated[Path, typer.Argument(help="Written between its marks.")],
    tests: Annotated[Path, typer.Argument(help="The folder of the emulator's tests.")],
    junit: Annotated[list[Path] | None, typer.Option(help="Reports of these tests.")] = None,
    figures: Annotated[Path | None, typer.Option(help="What emulator/bench printed.")] = None,
) -> None:
    """Call every operation of the SDK once; write how many work, what tests show, how fast it is.

    What is not given stays as the README has it: times of samples, speed and size.
    """
    before = readme.read_text()
    results, others = called()
    with InProcessAzure() as azure:
        rest = page.rest_section(rest_operations(azure.operations()))
    told = page.read_junit(*(junit or []))
    marked = page.marked_behaviours(tests)
    tested = page.with_marks(told, marked, page.section(before, BEHAVIOURS))
    measured = page.section(before, SPEED)
    sections = {
        "Operations of the SDK": page.operations_section(results, others),
        "REST operations": rest,
        BEHAVIOURS: page.tested_section(tested),
        SPEED: page.figures_section(page.read_figures(figures)) if figures else measured,
    }
    text = page.page(sections)
    readme.write_text(page.replaced(before, text))
    typer.echo(text)
    for each in results:
        if each.outcome == FAILS:
            typer.echo(f"{each.method}: {each.words}", err=True)


def called() -> tuple[list[Result], dict[str, int]]:
    """Start a local Azure, probe it, end it."""
    with tempfile.TemporaryDirectory() as name, start_azurite(Path(name)) as azurite:
        images = {"probe-container*": CONTAINER}
        with start_emulator(Path(name), azurite.blob_url, images=images) as emulator:
            os.environ.update(emulator.environment)
            names = (emulator.subscription, emulator.resource_group, emulator.workspace)
            client = MLClient(DefaultAzureCredential(), *names)
            folder = Path(name) / "probes"
            folder.mkdir()
            # The SDK prints progress on stdout; ours is the table.
            told, sys.stdout = sys.stdout, sys.stderr
            try:
                return probe(World(client, folder)), other_classes(client)
            finally:
                sys.stdout = told


if __name__ == "__main__":
    typer.run(main)
