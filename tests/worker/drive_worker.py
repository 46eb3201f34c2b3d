"""Does to a function app what the Functions host does, through Microsoft's own worker library.

Runs in .venv-worker, as a process of its own: reads an order (JSON) from standard input and writes
what the worker answered (JSON) as the last line of standard output.

    {"root": folder, "invocations": [{"function": name, "data": {...}, "metadata": {...},
                                      "traceparent": text}]}

`data` is {"http": {...}}, {"json": text} or {"string": text}, as the host sends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as worker

from tests import protos


async def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """Load the app, list its functions, invoke what the order says."""
    root = order["root"]
    os.chdir(root)
    sys.path.insert(0, root)
    worker.start_threadpool_executor()
    init = protos.WorkerInitRequest(host_version="4.0.0", function_app_directory=root)
    started = await worker.worker_init_request(message(worker_init_request=init))
    if started.result.status != protos.StatusResult.Success:
        return {"error": started.result.exception.message}
    asked = message(functions_metadata_request=protos.FunctionsMetadataRequest())
    indexed = await worker.functions_metadata_request(asked)
    functions = {each.name: each for each in indexed.function_metadata_results}
    for function in functions.values():
        load = protos.FunctionLoadRequest(function_id=function.function_id, metadata=function)
        loaded = await worker.function_load_request(message(function_load_request=load))
        if loaded.result.status != protos.StatusResult.Success:
            return {"error": loaded.result.exception.message}
    answers = [await invoke(functions, wanted) for wanted in order["invocations"]]
    return {"functions": {name: trigger(each) for name, each in functions.items()}, "runs": answers}


async def invoke(functions: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Invoke one function and give back how it went."""
    function = functions[wanted["function"]]
    request = protos.InvocationRequest(
        invocation_id=str(uuid.uuid4()),
        function_id=function.function_id,
        input_data=[
            protos.ParameterBinding(name=trigger(function)["name"], data=typed(wanted["data"]))
        ],
        trigger_metadata={
            name: protos.TypedData(string=value)
            for name, value in wanted.get("metadata", {}).items()
        },
    )
    request.trace_context.trace_parent = wanted.get("traceparent", "")
    answer = await worker.invocation_request(message(invocation_request=request))
    if answer.result.status != protos.StatusResult.Success:
        return {"succeeded": False, "error": answer.result.exception.message}
    if answer.return_value.WhichOneof("data") != "http":
        return {"succeeded": True, "text": answer.return_value.string}
    http = answer.return_value.http
    return {
        "succeeded": True,
        "status": int(http.status_code),
        "headers": dict(http.headers),
        "body": http.body.bytes.decode(),
    }


def message(**content: Any) -> SimpleNamespace:
    """Wrap a message the way the worker process hands it to the library."""
    return SimpleNamespace(
        request=protos.StreamingMessage(**content), properties={"host": "", "protos": protos}
    )


def trigger(function: Any) -> dict[str, Any]:
    """Return the trigger among a function's bindings."""
    bindings = [json.loads(binding) for binding in function.raw_bindings]
    (found,) = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    return found


def typed(data: dict[str, Any]) -> Any:
    """Return what a trigger received as the host sends it."""
    if "http" not in data:
        return protos.TypedData(**data)
    http = dict(data["http"])
    body = protos.TypedData(bytes=http.pop("body", "").encode())
    return protos.TypedData(http=protos.RpcHttp(body=body, **http))


if __name__ == "__main__":
    outcome = asyncio.run(carry_out(json.load(sys.stdin)))
    print()
    print(json.dumps(outcome))
