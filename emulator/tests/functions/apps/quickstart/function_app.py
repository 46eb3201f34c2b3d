"""An app of one file, as the tutorials begin, with a blueprint in a package of its own."""

import logging

import azure.functions as func
from reports.daily import bp

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(bp)


@app.route(route="HttpExample")
def HttpExample(req: func.HttpRequest) -> func.HttpResponse:  # noqa: N802 - as tutorials name it
    """Greet by name."""
    logging.info("Python HTTP trigger function processed a request.")
    name = req.params.get("name")
    if not name:
        return func.HttpResponse("Pass a name in the query string.", status_code=400)
    return func.HttpResponse(f"Hello, {name}.")


@app.function_name(name="EventGridExample")
@app.event_grid_trigger(arg_name="event")
def event_grid_example(event: func.EventGridEvent) -> None:
    """Log what came."""
    logging.info("Event %s of type %s", event.id, event.event_type)
