"""Event Grid: note what happened and answer within the second."""

import azure.functions as func

from shared.application import intake
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("data_landed")
@blueprint.event_grid_trigger(arg_name="event")
def data_landed(event: func.EventGridEvent) -> None:
    """A blob was written to the storage account."""
    intake.receive(runtime().plane, envelope(event))


@blueprint.function_name("job_finished")
@blueprint.event_grid_trigger(arg_name="event")
def job_finished(event: func.EventGridEvent) -> None:
    """An Azure ML run changed its state or ended."""
    intake.receive(runtime().plane, envelope(event))


def envelope(event: func.EventGridEvent | func.CloudEvent) -> dict[str, object]:
    """The event as it travelled; the host gives either type, whatever the annotation says."""
    keys: dict[str, object]
    if isinstance(event, func.EventGridEvent):
        keys = {"id": event.id, "topic": event.topic, "subject": event.subject}
        return keys | {"eventType": event.event_type, "data": event.get_json()}
    keys = {"id": event.id, "source": event.source, "subject": event.subject}
    return keys | {"specversion": "1.0", "type": event.type, "data": event.get_json()}
