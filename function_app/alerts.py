"""What comes back, and what is told outside: alerts of Azure Monitor and the queue of notices."""

import azure.functions as func

from function_app.responding import respond
from shared.application import alert_intake, notices
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("alerts")
@blueprint.route(route="alerts", methods=["POST"])
def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Take in an alert of Azure Monitor; the function's own key opens it."""
    return respond(alert_intake.receive_alert(runtime().outside, req.get_body()))


@blueprint.function_name("tell")
@blueprint.queue_trigger(
    arg_name="message", queue_name="%NOON_NOTICES_QUEUE_NAME%", connection="AzureWebJobsStorage"
)
def tell(message: func.QueueMessage) -> None:
    """Publish an event, report a rollout, or bring an alert's issue up to date."""
    notices.take_notice(runtime().outside, message.get_body().decode(errors="replace"))
