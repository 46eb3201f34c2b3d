"""The commands that show what the models do, and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.arguments import Json, Model
from noon.choices import Only, Part, Sort
from noon.completing import model_names
from shared.domain.decision import Kind

watching = typer.Typer()

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show changes until Ctrl-C.")]
Interval = Annotated[
    float, typer.Option(min=1, max=3600, help="Seconds between two looks of --watch or --follow.")
]


@watching.command()
def status(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="This model, or those that fit 'fl*'; also repeated.",
            autocompletion=model_names,
        ),
    ] = None,
    only: Annotated[
        list[Only] | None, typer.Option(help="Only such models; repeated: any of these.")
    ] = None,
    sort: Annotated[Sort, typer.Option(help="By what they are ordered.")] = Sort.NAME,
    watch: Watch = False,
    interval: Interval = 2,
    as_json: Json = False,
) -> int:
    """Tell what every model does: champion, slots, training, rollout, health, what is next.

    The last column is what Noon does with the model next, and why it does not do that now. Up to
    three models are told in full below the table. With --watch it is drawn anew while something
    changes; an app that has nothing new answers with nothing (304). On a narrow terminal each model
    has two lines. Slots are in each model's own time zone.

    \b
    Examples:
      noon status
      noon status --watch --only attention --sort health
      noon status --model 'flights*' --model diabetes
      noon status --json | jq '.models[0].champion.version'
      noon status --watch --json --interval 60 >> status.jsonl

    Exit codes: 0 told, 1 the app refused, 2 wrong usage or no such model, 3 not running.
    """
    from noon.commands.fleet import run_status

    return run_status(model or [], only or [], sort, watch=watch, seconds=interval, as_json=as_json)


@watching.command()
def runs(
    model: Model,
    only: Annotated[
        list[Part] | None, typer.Option(help="Only these lines; repeated: any of these.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many lines.")] = 20,
    as_json: Json = False,
) -> int:
    """Tell which slots were due, what landed, which jobs ran, and what came of each.

    The newest first. A slot was trained, caught up late, skipped, missed, or waits; a job tells its
    cause, how long it took, what the gate said of it and, when it failed, why.

    \b
    Examples:
      noon runs flights
      noon runs flights --only slots --limit 7
      noon runs flights --json | jq -r '.jobs[] | [.job, .state] | @tsv'

    Exit codes: 0 told, 1 the app refused, 2 wrong usage or no such model, 3 not running.
    """
    from noon.commands.runs import run_runs

    return run_runs(model, only or [], limit, as_json=as_json)


@watching.command()
def decisions(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Name of a model; all models when none is named.", autocompletion=model_names
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="None from before: 90min, 2h, 7d, or an instant in UTC."),
    ] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only of this kind; repeated: any of these.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    interval: Interval = 2,
    as_json: Json = False,
) -> int:
    """Tell what was decided, and why: the newest last, one line each.

    Every message, slot and order ends in one decision. Its kind is how it ended: acted, refused,
    failed, held, or ignored, duplicate, coalesced. Without a model, --follow looks at those models
    of which something else than waiting was decided. With --json it is one JSON object a line.

    \b
    Examples:
      noon decisions
      noon decisions flights --since 24h --kind refused --kind failed
      noon decisions flights --follow
      noon decisions --since 2026-11-23 --json | jq -r '.reasons[].code' | sort | uniq -c

    Exit codes: 0 told, 1 the app refused, 2 wrong usage or no such model, 3 not running.
    """
    from noon.commands.decisions import run_decisions

    kinds = [each.value for each in kind or ()]
    return run_decisions(
        model, since, kinds, limit, follow=follow, seconds=interval, as_json=as_json
    )
