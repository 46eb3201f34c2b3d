"""Cloud metadata and managed identity: what credentials ask for before the first call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.routing import Route

from .environment import CLOUD

if TYPE_CHECKING:
    from starlette.requests import Request

    from .settings import ServeSettings

TENANT = "72f988bf-0000-0000-0000-000000000000"
PRINCIPAL = "11111111-1111-1111-1111-111111111111"
TOKEN_SECONDS = 24 * 3600
# Nobody checks the signature (Azurite neither): it only has to be there and to decode.
SIGNING_KEY = b"azure-emulator"


class Identity:
    """Answers `/metadata/endpoints` and the managed identity endpoint of App Service."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings

    def routes(self) -> list[Route]:
        """Give the two routes."""
        return [
            Route("/metadata/endpoints", self.metadata, methods=["GET"]),
            Route("/identity/token", self.token, methods=["GET"]),
        ]

    async def metadata(self, request: Request) -> JSONResponse:
        """Describe this cloud."""
        base = str(request.base_url)
        cloud = {
            "name": CLOUD,
            # Fixed: the SDK derives the audience of Azure ML from it.
            "portal": "https://portal.azure.com",
            "resourceManager": base,
            "authentication": {
                "loginEndpoint": base,
                "audiences": ["https://management.core.windows.net/", base],
                "tenant": "common",
            },
            "suffixes": {"storage": urlsplit(self._settings.blob_url).netloc},
        }
        return JSONResponse([cloud])

    async def token(self, request: Request) -> JSONResponse:
        """Give a token for the resource asked for."""
        resource = request.query_params.get("resource", "")
        if not request.headers.get("x-identity-header") or not resource:
            message = "header X-IDENTITY-HEADER and parameter resource are needed"
            return JSONResponse({"statusCode": 400, "message": message}, 400)
        expires = int(time.time()) + TOKEN_SECONDS
        return JSONResponse(
            {
                "access_token": make_token(resource, expires),
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": PRINCIPAL,
            }
        )


def make_token(audience: str, expires: int) -> str:
    """Give a JWT that decodes, with the claims that Azure's services look at."""
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": int(time.time()) - 60,
        "nbf": int(time.time()) - 60,
        "exp": expires,
        "oid": PRINCIPAL,
        "sub": PRINCIPAL,
        "appid": PRINCIPAL,
        "tid": TENANT,
        "idtyp": "app",
    }
    head = _encode(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
    text = f"{head}.{_encode(json.dumps(claims).encode())}"
    return f"{text}.{_encode(hmac.digest(SIGNING_KEY, text.encode(), hashlib.sha256))}"


def read_claims(token: str) -> dict[str, Any]:
    """Give the claims of a JWT, or {} when it is none."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
