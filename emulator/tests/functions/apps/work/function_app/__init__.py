"""Timers and a queue."""

import json
import os
from pathlib import Path
from typing import Any

import azure.functions as func

app = func.FunctionApp()


def note(**facts: Any) -> None:
    """Leave a line for the test to read."""
    with Path(os.environ["RECORDS"]).open("a") as file:
        file.write(json.dumps(facts) + "\n")


@app.route("health", auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> str:
    """Answer."""
    return "ok"


@app.timer_trigger(schedule="* * * * * *", arg_name="timer")
def often(timer: func.TimerRequest) -> None:
    """Note each run."""
    note(function="often", past_due=timer.past_due)


@app.timer_trigger(schedule="%NOON%", arg_name="timer")
async def noon(timer: func.TimerRequest) -> None:
    """Note whether the run comes late."""
    note(function="noon", past_due=timer.past_due, status=timer.schedule_status)


@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="")
def work(message: func.QueueMessage) -> None:
    """Do what the message says."""
    body = message.get_body().decode()
    note(function="work", id=message.id, count=message.dequeue_count, body=body)
    if body == "fail":
        raise RuntimeError("asked to fail")
    if body.startswith("wait:"):
        with Path(body.removeprefix("wait:")).open() as fifo:
            fifo.read()
        note(function="work", body="waited")


@app.queue_trigger(arg_name="text", queue_name="%QUEUE%-text", connection="AzureWebJobsStorage")
async def words(text: str) -> None:
    """Take a message as plain text."""
    note(function="words", body=text)
