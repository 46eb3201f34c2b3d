"""What was aimed at, and what came out."""

from __future__ import annotations

from bench.figures import OURS, Figures, added, batch, best, by_name, number, rate, times, value


def aims(results: Figures) -> str:
    """One line for each aim that the run can say something about."""
    share = _of_bare(results["proxies_over_https"])
    lines = [
        *_serving(results["servers"]),
        *_passing_on(results["proxies"]),
        ("handler in front of HTTPS: times a bare aiohttp proxy", "no aim", share),
    ]
    head = "| | aim | measured |\n|---|---|---:|\n"
    return head + "\n".join(f"| {what} | {aim} | {seen} |" for what, aim, seen in lines if seen)


def _serving(servers: list[Figures]) -> list[tuple[str, str, str]]:
    ours, echo = by_name(servers, OURS), by_name(servers, "bare ASGI echo")
    azureml = rate(by_name(servers, "azureml-inference-server-http"), "16")
    used = [each for each in servers if each["kind"] == "peer"]
    inside = [each for each in servers if each["kind"] == "peer with onnxruntime"]
    mine, many = rate(ours, "16"), batch(ours)
    best_inside = best(inside, lambda each: rate(each, "16"))
    tail = times(value(ours, "64", "p99_ms"), value(echo, "64", "p99_ms"))
    return [
        ("at 16: times azureml-inference-server-http", "100, not below 60", times(mine, azureml)),
        ("at 16: times the bare echo", "0.6, not below 0.5", times(mine, rate(echo, "16"))),
        ("p99 at 64: times the echo's", "at most 3", tail),
        ("1,000 rows: times the best peer as used", "at least 2.5", times(many, best(used, batch))),
        ("at 16: times the best peer with onnxruntime", "no aim", times(mine, best_inside)),
        ("1,000 rows: times the best with it", "no aim", times(many, best(inside, batch))),
        ("CPU at 16, µs", "at most 60", number(value(ours, "16", "cpu_us"))),
        ("start to ready, s", "at most 1.5", number(ours.get("ready_seconds"))),
        ("RSS, MB", "at most 120", number(ours.get("memory_mb"))),
    ]


def _passing_on(proxies: list[Figures]) -> list[tuple[str, str, str]]:
    handler = by_name(proxies, "Noon: handler")
    adds = added(handler, by_name(proxies, "direct"))
    return [
        ("handler at 16: times a bare aiohttp proxy", "at least 0.85", _of_bare(proxies)),
        ("handler: added at the median, ms", "at most 0.3", adds),
        ("handler: CPU at 16, µs", "at most 150", number(value(handler, "16", "cpu_us"))),
    ]


def _of_bare(proxies: list[Figures]) -> str:
    handler, bare = by_name(proxies, "Noon: handler"), by_name(proxies, "bare aiohttp proxy")
    return times(rate(handler, "16"), rate(bare, "16"))
