"""HTTP and Event Grid functions of every kind that the host serves."""

import asyncio
import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
extra = func.Blueprint()


@app.route("echo/{name}/{number:int?}", auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Answer with everything that arrived."""
    return func.HttpResponse(
        json.dumps(
            {
                "method": req.method,
                "url": req.url,
                "headers": dict(req.headers),
                "params": dict(req.params),
                "route_params": dict(req.route_params),
                "body": req.get_body().decode(),
                "function": context.function_name,
                "traceparent": context.trace_context.trace_parent,
                "cwd": str(Path.cwd()),
                "greeting": os.environ.get("GREETING"),
                "container_name": os.environ.get("CONTAINER_NAME"),
            }
        ),
        status_code=201,
        mimetype="application/json",
        headers={"X-Answer": "yes", "Set-Cookie": "a=1; Path=/"},
    )


@app.route("guarded", methods=["GET"])
def guarded(req: func.HttpRequest) -> str:
    """Answer with plain text."""
    return "open"


@app.route("orders", methods=["POST"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the order's length."""
    return func.HttpResponse(str(len(req.get_body())))


@extra.route("boss", auth_level=func.AuthLevel.ADMIN)
def boss(req: func.HttpRequest) -> func.HttpResponse:
    """Answer only to the master key."""
    return func.HttpResponse(status_code=204)


@extra.route("boom", auth_level=func.AuthLevel.ANONYMOUS)
async def boom(req: func.HttpRequest) -> func.HttpResponse:
    """Fail with a secret in the message."""
    raise ValueError("a secret")


@extra.route("nothing", auth_level=func.AuthLevel.ANONYMOUS)
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    """Return nothing, which an HTTP function must not."""
    return None  # type: ignore[return-value]


@extra.route("pages/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
def z_pages(req: func.HttpRequest) -> func.HttpResponse:
    """Answer for every page that has no function of its own."""
    return func.HttpResponse("any:" + req.route_params.get("rest", ""))


@extra.route("pages/about", auth_level=func.AuthLevel.ANONYMOUS)
def b_about(req: func.HttpRequest) -> func.HttpResponse:
    """Come first, since its name sorts first."""
    return func.HttpResponse("about")


@extra.route("meet", auth_level=func.AuthLevel.ANONYMOUS)
def meet(req: func.HttpRequest) -> func.HttpResponse:
    """Answer only when two calls are inside at the same time."""
    with open(os.environ["MEETING"], req.params["mode"]):  # noqa: PTH123  a FIFO blocks in open
        return func.HttpResponse("met")


@app.event_grid_trigger(arg_name="event")
async def landed(event: func.EventGridEvent) -> None:
    """Note what arrived, and under which class."""
    kind = type(event).__name__
    data = event.get_json()
    await asyncio.sleep(0)
    with Path(os.environ["RECORDS"]).open("a") as file:
        file.write(json.dumps({"kind": kind, "id": event.id, "data": data}) + "\n")
    if data.get("fail"):
        raise RuntimeError("asked to fail")


app.register_functions(extra)
