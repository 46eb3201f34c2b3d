"""Timers: they only wake models; what is due is decided from each model's own schedule."""

import azure.functions as func

from shared.application import intake
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("daily_training")
@blueprint.timer_trigger(arg_name="timer", schedule="%TRAINING_SCHEDULE%", run_on_startup=False)
def daily_training(timer: func.TimerRequest) -> None:
    """Wake every model, at noon by default; a second firing finds the slot taken."""
    intake.wake_all(runtime().plane, "daily_training, late" if timer.past_due else "daily_training")


@blueprint.function_name("tick")
@blueprint.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding asks for it
    """Wake every model that is due, so that no lost event is lost for good; show how all stand."""
    intake.tick(runtime().plane)
    runtime().gauges.report()
