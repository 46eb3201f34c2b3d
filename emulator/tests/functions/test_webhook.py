"""The Event Grid webhook and the admin routes."""

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from .conftest import RunningHost

NOTIFICATION = {"aeg-event-type": "Notification"}


def event(number: int, **data: Any) -> dict[str, Any]:
    """Return an event in the Event Grid schema."""
    return {
        "id": f"event-{number}",
        "topic": "/subscriptions/s",
        "subject": "/blobServices/default/containers/c/blobs/b",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-23T12:00:00.1234567Z",
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud_event(number: int, **data: Any) -> dict[str, Any]:
    """Return an event in the CloudEvents schema."""
    return {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/subscriptions/s",
        "type": "Microsoft.Storage.BlobCreated",
        "time": "2026-11-23T12:00:00.1234567Z",
        "data": data,
    }


def post(
    host: "RunningHost",
    body: Any,
    headers: dict[str, str] | None = None,
    name: str = "landed",
    code: str | None = None,
) -> httpx.Response:
    """Send something to the webhook, with the right key when none is given."""
    key = host.keys["system"]["eventgrid_extension"] if code is None else code
    return httpx.post(
        f"{host.url}/runtime/webhooks/EventGrid",
        params={"functionName": name, "code": key},
        content=body if isinstance(body, bytes) else json.dumps(body),
        headers=headers if headers is not None else NOTIFICATION,
    )


def test_an_array_runs_the_function_once_per_event(web_host: "RunningHost") -> None:
    """202 and an empty body, after every event was worked on."""
    answer = post(web_host, [event(1, a=1), event(2, a=2)])
    assert (answer.status_code, answer.content) == (202, b"")
    kinds = {(fact["id"], fact["kind"], fact["data"]["a"]) for fact in web_host.noted()}
    assert {("event-1", "EventGridEvent", 1), ("event-2", "EventGridEvent", 2)} <= kinds


def test_a_cloud_event_arrives_as_one_whatever_the_annotation_says(
    web_host: "RunningHost",
) -> None:
    """`specversion` decides."""
    assert post(web_host, cloud_event(3, a=3)).status_code == 202
    assert {"kind": "CloudEvent", "id": "event-3", "data": {"a": 3}} in web_host.noted()


def test_one_failing_event_fails_the_whole_request(web_host: "RunningHost") -> None:
    """500, so that Event Grid sends all of them again."""
    answer = post(web_host, [event(4), event(5, fail=True)])
    assert answer.status_code == 500
    assert {"event-4", "event-5"} <= {fact["id"] for fact in web_host.noted()}


@pytest.mark.parametrize("name", ["nowhere", "guarded", ""])
def test_an_unknown_function_is_named(web_host: "RunningHost", name: str) -> None:
    """Also when a function of that name exists but has another trigger."""
    answer = post(web_host, [event(6)], name=name)
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{name}'")


@pytest.mark.parametrize("code", ["", "wrong"])
def test_the_webhook_asks_for_the_system_key(web_host: "RunningHost", code: str) -> None:
    """401, and no function runs."""
    before = len(web_host.invocations("landed"))
    assert post(web_host, [event(7)], code=code).status_code == 401
    assert post(web_host, [event(7)], code=web_host.keys["host"]["default"]).status_code == 401
    assert len(web_host.invocations("landed")) == before


def test_the_handshake_of_the_event_grid_schema(web_host: "RunningHost") -> None:
    """200 with the code sent; the function does not run."""
    before = len(web_host.invocations("landed"))
    body = [{"data": {"validationCode": "X-1"}}]
    answer = post(web_host, body, {"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "X-1"})
    assert len(web_host.invocations("landed")) == before


def test_the_handshake_of_cloud_events(web_host: "RunningHost") -> None:
    """OPTIONS is answered with the origin that asked."""
    answer = httpx.options(
        f"{web_host.url}/runtime/webhooks/EventGrid",
        params={
            "functionName": "landed",
            "code": web_host.keys["system"]["eventgrid_extension"],
        },
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
    )
    assert answer.status_code == 200
    assert answer.headers["Webhook-Allowed-Origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"aeg-event-type": "Unsubscribe"}, {}, 202),
        ({}, [{}], 400),
        ({"aeg-event-type": "Else"}, [{}], 400),
        (NOTIFICATION, b"{", 400),
        ({"aeg-event-type": "SubscriptionValidation"}, [{}], 400),
    ],
)
def test_other_requests_have_their_statuses(
    web_host: "RunningHost", headers: dict[str, str], body: Any, status: int
) -> None:
    """The header `aeg-event-type` says what a request is."""
    assert post(web_host, body, headers).status_code == status


def test_an_admin_call_starts_a_function_and_does_not_wait(web_host: "RunningHost") -> None:
    """202 at once; the event is the input's text."""
    answer = httpx.post(
        f"{web_host.url}/admin/functions/landed",
        json={"input": json.dumps(event(8, by="hand"))},
        headers=web_host.master,
    )
    assert answer.status_code == 202
    wait_until(lambda: any(fact["id"] == "event-8" for fact in web_host.noted()), what="the run")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/admin/functions/nowhere", b'{"input": ""}', 404),
        ("/admin/functions/landed", b"", 400),
        ("/admin/functions/landed", b'{"other": ""}', 400),
        ("/admin/functions/guarded", b'{"input": ""}', 400),
    ],
)
def test_a_bad_admin_call_starts_nothing(
    web_host: "RunningHost", path: str, body: bytes, status: int
) -> None:
    """404 for a function that is not there, 400 for a body that says nothing."""
    answer = httpx.post(web_host.url + path, content=body, headers=web_host.master)
    assert answer.status_code == status


def test_admin_routes_open_to_the_master_key_alone(web_host: "RunningHost") -> None:
    """Not even the host key opens them."""
    keys = web_host.keys
    for path in ("/admin/host/status", "/admin/functions", "/admin/functions/landed/keys"):
        host_key = {"x-functions-key": keys["host"]["default"]}
        assert httpx.get(web_host.url + path, headers=host_key).status_code == 401
        assert httpx.get(web_host.url + path, params={"code": keys["master"]}).status_code == 200


def test_the_host_describes_itself(web_host: "RunningHost") -> None:
    """State, functions with their addresses and bindings, and a function's keys."""
    get = {"headers": web_host.master}
    status = httpx.get(f"{web_host.url}/admin/host/status", **get).json()
    assert status["state"] == "Running"
    functions = httpx.get(f"{web_host.url}/admin/functions", **get).json()
    by_name = {function["name"]: function for function in functions}
    assert list(by_name) == sorted(by_name)
    assert by_name["guarded"]["invoke_url_template"].endswith("/api/guarded")
    (trigger,) = by_name["landed"]["config"]["bindings"]
    assert trigger["type"] == "eventGridTrigger"
    keys = httpx.get(f"{web_host.url}/admin/functions/guarded/keys", **get).json()
    assert keys["keys"][0]["value"] == web_host.keys["functions"]["guarded"]["default"]


def test_health_needs_no_key(web_host: "RunningHost") -> None:
    """The control routes are for tests and people on this machine."""
    assert httpx.get(f"{web_host.url}/_emulator/health").json() == {"status": "ok"}
