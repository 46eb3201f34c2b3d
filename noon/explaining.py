"""The commands that tell how something came to be, and what became of what was left behind."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.arguments import Json
from noon.completing import model_names, things

explaining = typer.Typer()


@explaining.command()
def why(
    thing: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Job, version, deployment, request id, file, slot, order, data, event or landing.",
            autocompletion=things,
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="Name of the model, where the id does not say it.", autocompletion=model_names
        ),
    ] = "",
    as_json: Json = False,
) -> int:
    """Tell how something came to be: from the data that landed to the prediction.

    The chain of recorded decisions: the landings, the manifest of the data, the job, the numbers
    that the gate saw and its verdict, each step of the rollout with the numbers that its check
    saw, and the traffic. For a request id it is what was in force when it was answered.

    \b
    Examples:
      noon why flights-slot-20261123t1200-a1              # a job
      noon why flights:3                                  # a version, or: 3 --model flights
      noon why v3-e1 --model flights                      # a deployment
      noon why 20261123t120000000000.v3-e1.ab12cd34       # the request_id of a prediction
      noon why flights/2013-01-01.csv                     # a file that landed
      noon why 20261123t1200 --json                       # a slot of the schedule
      noon why 0a1b2c3d-0123-4567-89ab-0a1b2c3d4e5f       # an event; event:ID if it looks otherwise
      noon why landing-20261123t120100 --model flights    # what landed within a minute

    Exit codes: 0 told, 1 nothing is known of it, 2 wrong usage, 3 not running.
    """
    from noon.commands.why import run_why

    return run_why(thing, model, as_json=as_json)


@explaining.command()
def replay(
    file: Annotated[
        str | None,
        typer.Argument(help="A JSON file with an event, or a list of them; - reads stdin."),
    ] = None,
    poison: Annotated[
        bool, typer.Option("--poison", help="Messages of which every attempt failed.")
    ] = False,
    dead_letter: Annotated[
        bool, typer.Option("--dead-letter", help="Events that Event Grid could not deliver.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it.")] = False,
    as_json: Json = False,
) -> int:
    """Take in again what was left behind; without --yes it only tells what would come of it.

    Of poisoned messages the first 32 are told, and how many there are; --yes takes 1000 at most.
    Messages are sent again and leave the poison queue, dead letters stay where they are. Twice is
    harmless: they say that a model is to be looked at, and what was done is not done again. Uses
    the local stack, or the accounts of the NOON_… settings by identity.

    \b
    Examples:
      noon replay --poison
      noon replay --poison --yes
      noon replay --dead-letter --json
      noon replay event.json --yes

    Exit codes: 0 told or done, 1 failed, 2 wrong usage or file, 3 not running.
    """
    from noon.commands.replay import run_replay

    return run_replay(file, poison=poison, dead_letter=dead_letter, do=yes, as_json=as_json)
