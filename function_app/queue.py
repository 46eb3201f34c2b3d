"""The queue: one message, one pass for one model."""

import azure.functions as func

from shared.application import intake
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("reconcile")
@blueprint.queue_trigger(
    arg_name="message", queue_name="%NOON_QUEUE_NAME%", connection="AzureWebJobsStorage"
)
def reconcile(message: func.QueueMessage) -> None:
    """Look at a model and take one step."""
    text = message.get_body().decode(errors="replace")
    intake.take(runtime().plane, text, message.insertion_time)
