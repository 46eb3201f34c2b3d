"""Serves the built web UI on a loopback port, with the headers that it has in Static Web Apps.

`python -m noon.local.webui FOLDER --port 4280 --api http://127.0.0.1:7071`
"""

from __future__ import annotations

import argparse
import json
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

API_ORIGIN = "${NOON_API_ORIGIN}"
"""Stands in the headers for where the API is."""


class WebUi:
    """The files of one build as an ASGI application; it answers GET and HEAD alone.

    Headers, the fallback for addresses of pages and what is excluded from it are read from the
    build's staticwebapp.config.json; config.json says where the API is.
    """

    def __init__(self, folder: Path, api: str) -> None:
        text = (folder / "staticwebapp.config.json").read_text(encoding="utf-8")
        self._config: dict[str, Any] = json.loads(text.replace(API_ORIGIN, api))
        self._folder = folder
        self._files = StaticFiles(directory=folder)
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = str(scope["path"])
        headers = self.headers(path)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].decode() not in headers]
                ours = [(name.encode(), value.encode()) for name, value in headers.items()]
                message = {**message, "headers": [*kept, *ours]}
            await send(message)

        answer = await self._answer(path, scope)
        await answer(scope, receive, send_with_headers)

    def headers(self, path: str) -> dict[str, str]:
        """Give the headers of a path by their lower-case names: those of its route win."""
        found = {**self._config["globalHeaders"]}
        for route in self._config["routes"]:
            if fnmatch(path, route["route"]):
                found |= route["headers"]
                break
        return {name.lower(): value for name, value in found.items()}

    async def _answer(self, path: str, scope: Scope) -> Response:
        if path == "/config.json":
            return JSONResponse({"apiUrl": self._api})
        name = self._files.get_path(scope)
        try:
            return await self._files.get_response("index.html" if name == "." else name, scope)
        except HTTPException as error:
            if error.status_code != 404 or self._excluded(path):
                return Response(error.detail, error.status_code, media_type="text/plain")
        return FileResponse(self._folder / "index.html")

    def _excluded(self, path: str) -> bool:
        patterns = self._config["navigationFallback"]["exclude"]
        return any(fnmatch(path, each) for pattern in patterns for each in _expanded(pattern))


def _expanded(pattern: str) -> list[str]:
    """Give the patterns that `/*.{js,css}` stands for."""
    parts = [part.split("}") for part in pattern.split("{")]
    choices = [
        [parts[0][0]],
        *([name + rest for name in each.split(",")] for each, rest in parts[1:]),
    ]
    return ["".join(chosen) for chosen in product(*choices)]


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api", required=True, help="origin of the function app")
    asked = parser.parse_args()
    # Static Web Apps and the frontend image compress, too.
    application = GZipMiddleware(WebUi(asked.folder, asked.api), minimum_size=1024)
    uvicorn.run(application, host="127.0.0.1", port=asked.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
