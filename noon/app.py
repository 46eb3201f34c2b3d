"""The commands of `noon` and their help; what they do is imported when they run.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running or not reachable.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from noon.arguments import Because, Json, Model
from noon.deploying import deploying
from noon.drilling import drilling
from noon.explaining import explaining
from noon.operating import operating
from noon.proving import proving
from noon.steering import steering
from noon.watching import watching

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running or not reachable."

app = typer.Typer(
    name="noon",
    help="Retrains at twelve and ships only what is better.\n\n"
    "\b\nBegin with:\n  noon up                     the whole system on this machine\n"
    "  noon status                 what every model does, and why\n"
    "  noon doctor                 what is not as it must be, and what to do\n"
    "  noon COMMAND --help         examples for every command\n"
    "  noon --install-completion   Tab completes models, jobs, versions\n\n"
    f"{EXIT_CODES}\n\n"
    "\b\nEnvironment:\n"
    "  NOON_HOME           folder of the local stack (default: .noon in the checkout)\n"
    "  NOON_URL            function app to talk to, instead of the local stack\n"
    "  NOON_FUNCTION_KEY   its key for status, why and predict\n"
    "  NOON_ORDERS_KEY     its key for train\n"
    "  NOON_ROLLOUT_KEY    its key for pause, resume, proceed, abort, rollback, accept\n"
    "                      (else NOON_ORDERS_KEY)\n"
    "  NO_COLOR            set: no colours",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
data = typer.Typer(help="Bring data to where it lands.", no_args_is_help=True)
app.add_typer(watching)
app.add_typer(operating)
app.add_typer(steering)
app.add_typer(explaining)
app.add_typer(drilling)
app.add_typer(proving)
app.add_typer(data, name="data")
app.add_typer(deploying)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - a day of the data
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2013-01-31") from None


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Run to the first prediction, print JSON, stop.")
    ] = False,
    days: Annotated[
        int, typer.Option(min=1, max=365, help="So many days of flights land, from 2013-01-01.")
    ] = 31,
    timeout: Annotated[
        float, typer.Option(min=1, help="Give up when no prediction came after these seconds.")
    ] = 600,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live table.")] = False,
) -> int:
    """Start everything on this machine and stay until Ctrl-C.

    Starts storage (Azurite), Azure ML, identity and Event Grid (the emulator) and the Functions
    host with the app, registers the components, lets January's flights land, and shows how the
    model is trained, judged, deployed and asked. What is done already is kept and skipped.

    Everything lies in NOON_HOME: logs/, stack.json with the URLs and keys. Every process that it
    starts ends with it, even when it is killed.

    \b
    Examples:
      noon up
      noon up --days 90
      NOON_HOME=/tmp/noon noon up --plain
      noon up --demo --days 31 --timeout 300      # a fresh stack in NOON_HOME/demo, no terminal

    Exit codes: 0 ended by Ctrl-C or demo done, 1 failed, 3 runs already.
    """
    from noon.commands.stack import run_demo, run_up

    if demo:
        return run_demo(days=days, timeout_seconds=timeout)
    return run_up(days=days, timeout_seconds=timeout, plain=plain)


@app.command()
def down() -> int:
    """Stop the stack that runs in NOON_HOME, wherever it was started; its state is kept.

    \b
    Examples:
      noon down
      NOON_HOME=/tmp/noon noon down

    Exit codes: 0 nothing runs any more, 1 it could not be stopped.
    """
    from noon.commands.stack import run_down

    return run_down()


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Stop the stack and delete everything that it keeps in NOON_HOME.

    \b
    Examples:
      noon reset
      noon reset --yes

    Exit codes: 0 deleted, 1 failed or not confirmed, 2 nobody there to ask.
    """
    from noon.commands.stack import run_reset

    return run_reset(yes=yes)


@app.command()
def train(
    model: Model,
    because: Because,
    as_json: Json = False,
) -> int:
    """Order a training now, with the data that has landed.

    \b
    Examples:
      noon train flights --because "new planes in the fleet"
      noon train flights --because "drill" --json

    Exit codes: 0 ordered, 1 refused, 2 wrong usage, 3 not running.
    """
    from noon.commands.models import run_train

    return run_train(model, because, as_json=as_json)


@app.command()
def predict(
    model: Model,
    row: Annotated[
        str | None, typer.Option(help="One row as a JSON object; - reads it from stdin.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="A CSV file with a header; - reads stdin.", dir_okay=False),
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, max=10_000, help="Rows a request.")] = 1000,
    as_json: Json = False,
) -> int:
    """Ask the champion about one row or about every row of a file.

    Columns of the file that are not features of the model are left out, an empty field is a value
    that is not known. Answers come in the order of the rows, as CSV, or with --json as one JSON
    object a line.

    \b
    Examples:
      noon predict flights --row '{"origin": "JFK", "carrier": "B6", "distance_miles": 1089, …}'
      noon predict flights --csv 2013-02-01.csv > answers.csv
      noon predict flights --csv - --json < 2013-02-01.csv

    Exit codes: 0 answered, 1 refused by the app, 2 wrong usage or file, 3 not running.
    """
    from noon.commands.models import run_predict

    return run_predict(model, row, csv, chunk_rows=chunk, as_json=as_json)


@data.command("push")
def data_push(
    model: Model,
    files: Annotated[list[Path] | None, typer.Argument(help="CSV files to land.")] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", parser=_day, metavar="DAY", help="Of the example flights."),
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", parser=_day, metavar="DAY")] = None,
    as_json: Json = False,
) -> int:
    """Let files land below the model's prefix: your own, or the example's of some days.

    Landing is write-once: a file that is there with the same content is skipped, with another
    content it is an error. Uses the local stack, or the container of NOON_LANDING_URL by identity.

    \b
    Examples:
      noon data push diabetes measurements/*.csv
      noon data push flights --from 2013-01-01 --to 2013-01-31
      noon data push flights --from 2013-02-01 --to 2013-02-01 --json

    Exit codes: 0 all files are there, 1 failed, 2 wrong usage, 3 not running.
    """
    from noon.commands.data import run_push

    days = (first.date() if first else None, last.date() if last else None)
    return run_push(model, files or [], *days, as_json=as_json)
