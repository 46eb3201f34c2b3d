"""HTTP functions as callers see them."""

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from .conftest import RunningHost, StartHost


def test_a_function_sees_the_whole_request(web_host: "RunningHost") -> None:
    """Method, URL, headers, query, route parameters and body arrive as they were sent."""
    answer = httpx.post(
        f"{web_host.url}/api/echo/J%C3%BCrgen%2Fx/42?a=1&a=2&b=",
        content=b"hello",
        headers={"traceparent": "00-1-2-01", "X-Mine": "m"},
    )
    seen = answer.json()
    assert answer.status_code == 201
    assert seen["method"] == "POST"
    assert seen["url"] == f"{web_host.url}/api/echo/J%C3%BCrgen%2Fx/42?a=1&a=2&b="
    assert seen["headers"]["x-mine"] == "m"
    assert seen["params"] == {"a": "1,2", "b": ""}
    assert seen["route_params"] == {"name": "Jürgen%2Fx", "number": "42"}
    assert seen["body"] == "hello"
    assert (seen["function"], seen["traceparent"]) == ("echo", "00-1-2-01")


def test_an_answer_keeps_its_headers_and_cookies(web_host: "RunningHost") -> None:
    """What the function answers is what the caller gets."""
    answer = httpx.get(f"{web_host.url}/api/echo/x")
    assert answer.headers["x-answer"] == "yes"
    assert answer.headers["content-type"] == "application/json"
    assert answer.cookies["a"] == "1"
    assert answer.json()["route_params"] == {"name": "x"}


def test_the_app_runs_as_in_a_worker(web_host: "RunningHost") -> None:
    """It runs in its own folder, with local settings as defaults and no CONTAINER_NAME."""
    seen = httpx.get(f"{web_host.url}/api/echo/x").json()
    assert Path(seen["cwd"]).name == "web"
    assert seen["greeting"] == "from the file"
    assert seen["container_name"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/unknown"),
        ("GET", "/guarded"),
        ("GET", "/api/orders"),
        ("GET", "/api/echo/x/notanumber"),
        ("GET", "/api/guarded/deeper"),
        ("GET", "/_emulator/unknown"),
        ("GET", "/admin/unknown"),
    ],
)
def test_what_matches_no_route_is_not_found(
    web_host: "RunningHost", method: str, path: str
) -> None:
    """An unknown path, a method that no function takes, a failed constraint: 404."""
    assert httpx.request(method, web_host.url + path).status_code == 404


def test_routes_are_matched_by_function_name(web_host: "RunningHost") -> None:
    """The function whose name sorts first wins; a path is compared without case."""
    assert httpx.get(f"{web_host.url}/api/pages/about").text == "about"
    assert httpx.get(f"{web_host.url}/API/Pages/ABOUT/").text == "about"
    assert httpx.get(f"{web_host.url}/api/pages/other/deep").text == "any:other/deep"
    assert httpx.get(f"{web_host.url}/api/pages").text == "any:"


def test_a_function_opens_to_its_key_the_host_key_and_the_master_key(
    web_host: "RunningHost",
) -> None:
    """Each of the three works, in the header as in the query."""
    keys = web_host.keys
    url = f"{web_host.url}/api/guarded"
    good = [keys["functions"]["guarded"]["default"], keys["host"]["default"], keys["master"]]
    for key in good:
        assert httpx.get(url, headers={"x-functions-key": key}).text == "open"
        assert httpx.get(url, params={"code": key}).text == "open"


def test_other_keys_do_not_open_a_function(web_host: "RunningHost") -> None:
    """No key, a wrong key, another function's key or a system key: 401."""
    keys = web_host.keys
    url = f"{web_host.url}/api/guarded"
    bad = ["", "wrong", keys["functions"]["orders"]["default"]]
    bad.append(keys["system"]["eventgrid_extension"])
    assert httpx.get(url).status_code == 401
    assert {httpx.get(url, params={"code": key}).status_code for key in bad} == {401}


def test_an_admin_function_opens_to_the_master_key_alone(web_host: "RunningHost") -> None:
    """Not even the host key opens it."""
    url = f"{web_host.url}/api/boss"
    host_key = {"x-functions-key": web_host.keys["host"]["default"]}
    assert httpx.get(url, headers=host_key).status_code == 401
    assert httpx.get(url, headers=web_host.master).status_code == 204


def test_an_exception_becomes_a_bare_500(web_host: "RunningHost") -> None:
    """The caller learns nothing; the log of invocations tells what happened."""
    answer = httpx.get(f"{web_host.url}/api/boom")
    assert (answer.status_code, answer.content) == (500, b"")
    run = web_host.invocations("boom")[-1]
    assert (run["outcome"], run["error"]) == ("failed", "ValueError: a secret")
    assert run["duration_ms"] >= 0


def test_returning_nothing_is_a_failure(web_host: "RunningHost") -> None:
    """The worker cannot encode None as an HTTP answer."""
    assert httpx.get(f"{web_host.url}/api/nothing").status_code == 500
    assert "NoneType" in web_host.invocations("nothing")[-1]["error"]


def test_synchronous_functions_run_side_by_side(web_host: "RunningHost") -> None:
    """Two calls that wait for each other both end, so each had a thread of its own."""
    with ThreadPoolExecutor(2) as pool:
        url = f"{web_host.url}/api/meet"
        calls = [pool.submit(httpx.get, url, params={"mode": mode}) for mode in ("r", "w")]
        assert [call.result(timeout=20).text for call in calls] == ["met", "met"]


def test_a_body_beyond_the_limit_is_refused(start_functions_host: "StartHost") -> None:
    """413, before the function is called."""
    host = start_functions_host("web", FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000")
    url, key = f"{host.url}/api/orders", host.keys["host"]
    assert httpx.post(url, content=b"x" * 1000, params={"code": key["default"]}).text == "1000"
    answer = httpx.post(url, content=b"x" * 1001, params={"code": key["default"]})
    assert answer.status_code == 413
    assert len(host.invocations("orders")) == 1


def test_a_browser_of_an_allowed_origin_may_call(web_host: "RunningHost") -> None:
    """`Host.CORS` of local.settings.json says who."""
    url = f"{web_host.url}/api/echo/x"
    good = httpx.get(url, headers={"origin": "http://localhost:5173"})
    bad = httpx.get(url, headers={"origin": "http://elsewhere"})
    assert good.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "access-control-allow-origin" not in bad.headers


def test_a_preflight_is_answered_as_the_real_host_does(web_host: "RunningHost") -> None:
    """204 in any case; only an allowed origin is told what it may do, and nothing is exposed."""
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, x-functions-key",
    }
    url = f"{web_host.url}/api/orders"
    good = httpx.options(url, headers={"origin": "http://localhost:5173", **asked})
    bad = httpx.options(url, headers={"origin": "http://elsewhere", **asked})
    assert (good.status_code, good.content) == (bad.status_code, bad.content) == (204, b"")
    told = {name: value for name, value in good.headers.items() if name.startswith("access")}
    assert told == {
        "access-control-allow-origin": "http://localhost:5173",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type,x-functions-key",
    }
    assert not [name for name in bad.headers if name.startswith("access")]


def test_origins_of_the_command_line_come_first(start_functions_host: "StartHost") -> None:
    """`--cors` names them instead of local.settings.json; of several, caches must know which."""
    host = start_functions_host("web", "--cors", "http://one:1,https://two")
    url = f"{host.url}/api/echo/x"
    good = httpx.get(url, headers={"origin": "https://two"})
    assert good.headers["access-control-allow-origin"] == "https://two"
    assert good.headers["vary"] == "Origin"
    settings = httpx.get(url, headers={"origin": "http://localhost:5173"})
    assert "access-control-allow-origin" not in settings.headers


def test_a_stop_gives_up_a_call_that_does_not_end(
    bare_host: tuple["subprocess.Popen[bytes]", str, Path],
) -> None:
    """SIGTERM ends the process within seconds even when a function never returns; exit code 0."""
    process, url, _ = bare_host
    caller = threading.Thread(target=_call_and_lose, args=(f"{url}/api/meet?mode=r",))
    caller.start()
    wait_until(lambda: _runs(url, "meet"), what="the call to begin")
    process.terminate()
    assert process.wait(20) == 0
    caller.join(10)
    assert not caller.is_alive()


def test_a_stop_lets_a_call_end(
    bare_host: tuple["subprocess.Popen[bytes]", str, Path],
) -> None:
    """What is nearly done gets its answer; new calls are not taken."""
    process, url, fifo = bare_host
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(httpx.get, f"{url}/api/meet?mode=r", timeout=20)
        wait_until(lambda: _runs(url, "meet"), what="the call to begin")
        process.terminate()
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        assert call.result(timeout=20).text == "met"
    assert process.wait(20) == 0


def _runs(url: str, function: str) -> list[dict[str, object]]:
    answer = httpx.get(f"{url}/_emulator/invocations", params={"function": function})
    runs: list[dict[str, object]] = answer.json()["value"]
    return runs


def _call_and_lose(url: str) -> None:
    with httpx.Client(timeout=20) as client:
        try:
            client.get(url)
        except httpx.HTTPError:
            return
