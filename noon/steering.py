"""The commands that show and steer a rollout, and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.arguments import Because, Json, Model

steering = typer.Typer()


@steering.command()
def rollout(
    model: Model,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it until it ends, or until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Tell how a model's rollout stands, and what its checks saw.

    Phase, step, traffic, the last checks with their numbers, and the reason when it ended or goes
    back. When none is under way it tells how the last one ended. With --watch it is drawn anew
    until the rollout ends; without a terminal, and with --json, every change is told once.

    \b
    Examples:
      noon rollout flights
      noon rollout flights --watch
      noon rollout flights --json | jq '.rollout.checks[0].deployments'
      noon rollout flights --watch > rollout.txt && echo "it rules"

    Exit codes: 0 told, 1 the app refused, or what was watched was rolled back or aborted, 2 wrong
    usage or no such model, 3 not running.
    """
    from noon.commands.rollout import run_rollout

    return run_rollout(model, watch=watch, as_json=as_json)


@steering.command()
def pause(model: Model, because: Because, as_json: Json = False) -> int:
    """Order a rollout to stay where it is.

    The canary is still watched: one that fails comes back.

    \b
    Examples:
      noon pause flights --because "a holiday, nobody looks"
      noon pause flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "pause", because, as_json=as_json)


@steering.command()
def resume(model: Model, because: Because, as_json: Json = False) -> int:
    """Order a paused rollout to go on; its step soaks anew.

    \b
    Examples:
      noon resume flights --because "back again"
      noon resume flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "resume", because, as_json=as_json)


@steering.command()
def proceed(model: Model, because: Because, as_json: Json = False) -> int:
    """Order a rollout to go on although the champion is sick.

    A canary is compared with the champion, and held while that one fails. With this order it is
    judged by itself until this rollout ends: by its own failures, its own number of requests, and
    the latency that the champion had while it was well. A canary that fails still comes back.

    \b
    Examples:
      noon proceed flights --because "version 3 fails since the new airports, 4 has them"
      noon proceed flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "proceed", because, as_json=as_json)


@steering.command()
def accept(model: Model, because: Because, as_json: Json = False) -> int:
    """Order that the next challenger is not compared with the champion, once.

    For a champion that can no longer be scored, such as after its columns changed: every job would
    be halted. The next challenger that can be judged needs the baseline and all other rules only;
    then comparisons begin anew with it. It starts no training: noon train does.

    \b
    Examples:
      noon accept flights --because "the column dep_hour became dep_minute"
      noon accept flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "accept", because, as_json=as_json)


@steering.command()
def abort(model: Model, because: Because, as_json: Json = False) -> int:
    """Order a rollout to end.

    All traffic goes to the champion, the new version is given up.

    \b
    Examples:
      noon abort flights --because "the wrong holiday calendar"
      noon abort flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "abort", because, as_json=as_json)


@steering.command()
def rollback(model: Model, because: Because, as_json: Json = False) -> int:
    """Order a model to go back to the version before.

    During a rollout that is the champion, else the former champion. While the deployment of that
    one is warm it gets all traffic at once; later it is deployed anew, step by step.

    \b
    Examples:
      noon rollback flights --because "customers call"
      noon rollback flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.rollout import run_order

    return run_order(model, "rollback", because, as_json=as_json)
