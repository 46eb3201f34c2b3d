"""Serves the HTTP functions: routes, keys, requests and answers."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from azure.functions import meta
from starlette.types import Receive, Scope, Send

from azure_emulator.functions.invocation import FunctionError, Invoker
from azure_emulator.functions.keys import Keys
from azure_emulator.functions.routes import Route
from azure_emulator.functions.tracing import TraceContext

HOME_PAGE = b"Your Functions app is up and running (local host).\n"


class HttpFunctions:
    """The ASGI application made of an app's HTTP functions."""

    def __init__(
        self, routes: Sequence[Route], keys: Keys, invoker: Invoker, body_bytes_max: int
    ) -> None:
        self._routes = routes
        self._keys = keys
        self._invoker = invoker
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        found = self._find(scope["method"], path)
        if found is None:
            if path == "/" and scope["method"] in ("GET", "HEAD"):
                await respond(send, 200, HOME_PAGE)
            else:
                await respond(send, 404)
            return
        route, parameters = found
        headers = _headers(scope)
        query = _query(scope)
        if not self._may_call(route, given_key(headers, query)):
            await respond(send, 401)
            return
        body = await read_body(receive, self._body_bytes_max)
        if body is None:
            await respond(send, 413)
            return
        data = _request(scope, path, headers, query, parameters, body)
        trace = TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))
        try:
            answer = await self._invoker.invoke(
                route.function, data, reason="This function was called over HTTP.", trace=trace
            )
        except FunctionError:
            await respond(send, 500)
            return
        await _send(send, answer, scope["method"])

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for route in self._routes:
            if method in route.methods:
                parameters = route.match(path)
                if parameters is not None:
                    return route, parameters
        return None

    def _may_call(self, route: Route, given: str | None) -> bool:
        if route.level == "anonymous":
            return True
        if route.level == "admin":
            return self._keys.is_master(given)
        return self._keys.opens_function(route.function.name, given)


def given_key(headers: dict[str, str], query: dict[str, str]) -> str | None:
    """Return the key that a request carries: header `x-functions-key`, else `?code=`."""
    return headers.get("x-functions-key") or query.get("code")


async def read_body(receive: Receive, bytes_max: int) -> bytes | None:
    """Return a request's whole body, or None when it is longer than allowed."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def respond(
    send: Send, status: int, body: bytes = b"", headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, length]},
    )
    await send({"type": "http.response.body", "body": body})


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _query(scope: Scope) -> dict[str, str]:
    query: dict[str, str] = {}
    if scope["query_string"]:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        for name, value in pairs:
            query[name] = f"{query[name]},{value}" if name in query else value
    return query


def _request(
    scope: Scope,
    path: str,
    headers: dict[str, str],
    query: dict[str, str],
    parameters: dict[str, str],
    body: bytes,
) -> meta.Datum:
    text = scope["query_string"].decode("latin-1")
    host = headers.get("host", "localhost")
    url = f"{scope['scheme']}://{host}{path}{'?' if text else ''}{text}"
    return meta.Datum(
        type="http",
        value={
            "method": meta.Datum(scope["method"], "string"),
            "url": meta.Datum(url, "string"),
            "headers": {name: meta.Datum(value, "string") for name, value in headers.items()},
            "query": {name: meta.Datum(value, "string") for name, value in query.items()},
            "params": {name: meta.Datum(value, "string") for name, value in parameters.items()},
            "body": meta.Datum(body, "bytes"),
        },
    )


async def _send(send: Send, answer: meta.Datum | None, method: str) -> None:
    if answer is None or answer.type == "string":
        text = "" if answer is None else str(answer.value)
        plain = (b"content-type", b"text/plain; charset=utf-8")
        await respond(send, 200, text.encode(), [plain])
        return
    value = answer.value
    headers = [
        (name.lower().encode("latin-1"), datum.value.encode("latin-1"))
        for name, datum in value["headers"].items()
        if name.lower() not in ("content-length", "transfer-encoding")
    ]
    headers += [
        (b"set-cookie", morsel.OutputString().encode("latin-1"))
        for jar in value["cookies"] or ()
        for morsel in jar.values()
    ]
    status = int(value["status_code"].value)
    body = b"" if method == "HEAD" or status in (204, 304) else value["body"].value
    await respond(send, status, body, headers)
