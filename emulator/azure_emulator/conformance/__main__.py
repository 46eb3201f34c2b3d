"""`python -m azure_emulator.conformance`: prints the tables, or writes them into the README."""

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


def main(
    junit: Annotated[list[Path] | None, typer.Option(help="A report of emulator/tests.")] = None,
    figures: Annotated[Path | None, typer.Option(help="What emulator/bench printed.")] = None,
    readme: Annotated[Path | None, typer.Option(help="Written between its marks.")] = None,
) -> None:
    """Call every operation of the SDK once and say how many work."""
    results, others = called()
    sections = {"Operations of the SDK": page.operations_section(results, others)}
    with InProcessAzure() as azure:
        sections["REST operations"] = page.rest_section(rest_operations(azure.operations()))
    if junit:
        sections["Behaviours and samples"] = page.tested_section(page.read_junit(*junit))
    if figures:
        sections["Speed and size"] = page.figures_section(page.read_figures(figures))
    text = page.page(sections)
    typer.echo(text)
    if readme:
        readme.write_text(page.replaced(readme.read_text(), text))
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
