"""The Event Grid extension's webhook: `/runtime/webhooks/EventGrid`."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from azure.functions import meta
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from azure_emulator.functions.invocation import FunctionError, Invoker
from azure_emulator.functions.keys import Keys
from azure_emulator.functions.loading import LoadedFunction

EXTENSION = "eventgrid_extension"


class EventGridWebhook:
    """Takes deliveries of Event Grid and gives each event to its function."""

    def __init__(self, functions: Iterable[LoadedFunction], keys: Keys, invoker: Invoker) -> None:
        self._functions = {
            function.name.lower(): function
            for function in functions
            if function.kind == "eventGridTrigger"
        }
        self._keys = keys
        self._invoker = invoker

    async def handle(self, request: Request) -> Response:
        """Answer a handshake or a delivery."""
        given = request.query_params.get("code") or request.headers.get("x-functions-key")
        if not self._keys.opens_system(EXTENSION, given):
            return Response(status_code=401)
        name = request.query_params.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None:
            return PlainTextResponse(f"cannot find function: '{name}'", status_code=404)
        if request.method == "OPTIONS":
            return _cloud_events_handshake(request)
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return Response(status_code=202)
        if kind not in ("subscriptionvalidation", "notification"):
            return Response(status_code=400)
        try:
            events = json.loads(await request.body())
        except ValueError:
            return Response(status_code=400)
        if kind == "subscriptionvalidation":
            return _validation(events)
        return await self._deliver(function, events if isinstance(events, list) else [events])

    async def _deliver(self, function: LoadedFunction, events: list[Any]) -> Response:
        runs = [event_invocation(self._invoker, function, event) for event in events]
        results = await asyncio.gather(*runs, return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        for error in failed:
            if not isinstance(error, FunctionError):
                raise error
        return Response(status_code=500 if failed else 202)


async def event_invocation(invoker: Invoker, function: LoadedFunction, event: Any) -> None:
    """Run a function on one event."""
    text = json.dumps(event)
    await invoker.invoke(
        function, meta.Datum(text, "json"), reason="EventGrid trigger fired at its webhook."
    )


def _cloud_events_handshake(request: Request) -> Response:
    origin = request.headers.get("webhook-request-origin")
    if origin is None:
        return Response(status_code=400)
    return Response(status_code=200, headers={"Webhook-Allowed-Origin": origin})


def _validation(events: Any) -> Response:
    try:
        code = events[0]["data"]["validationCode"]
    except (LookupError, TypeError):
        return Response(status_code=400)
    return JSONResponse({"validationResponse": code})
