"""Arguments and options that several commands have, and what a shell completes them with."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.completing import model_names

Model = Annotated[
    str, typer.Argument(help="Name of the model, such as flights.", autocompletion=model_names)
]
Because = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")]
