"""Renders what was measured as tables of Markdown, which also read well in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.aims import aims
from bench.figures import OURS, Figures, added, batch, by_name, number, rate, times, value


def table(results: Figures) -> str:
    """All tables of a run."""
    parts = ["### Servers", servers(results["servers"])]
    if results["proxies"]:
        parts += ["### Proxies", proxies(results["proxies"])]
    if results["proxies_over_https"]:
        parts += ["### Proxies in front of HTTPS", proxies(results["proxies_over_https"])]
    reasons = [
        f"- {each['name']}: {each['reason']}"
        for measured in ("servers", "proxies", "proxies_over_https")
        for each in results[measured]
        if "reason" in each
    ]
    if reasons:
        parts += ["Not measured on this machine:", "\n".join(reasons)]
    parts += ["### Targets", aims(results), machine(results)]
    return "\n\n".join(parts)


def servers(measured: Sequence[Figures]) -> str:
    """One line a server."""
    ours = by_name(measured, OURS)
    columns: list[tuple[str, Callable[[Figures], str]]] = [
        ("", lambda f: f"{f['name']} {f.get('version', '')}".strip()),
        ("1 conn., req/s", lambda f: number(rate(f, "1"))),
        ("16", lambda f: number(rate(f, "16"), rate(f, "16", max))),
        ("64", lambda f: number(rate(f, "64"))),
        ("Noon at 16", lambda f: times(rate(ours, "16"), rate(f, "16"))),
        ("p99 at 64, ms", lambda f: number(value(f, "64", "p99_ms"))),
        ("1,000 rows, rows/s", lambda f: number(batch(f))),
        ("CPU at 16, µs", lambda f: number(value(f, "16", "cpu_us"))),
        ("ready, s", lambda f: number(f.get("ready_seconds"))),
        ("RSS, MB", lambda f: number(f.get("memory_mb"))),
        ("installed, MB", lambda f: number(f.get("install_mb"))),
    ]
    return _lines(columns, measured)


def proxies(measured: Sequence[Figures]) -> str:
    """One line a proxy; what it adds is over asking directly."""
    direct, bare = by_name(measured, "direct"), by_name(measured, "bare aiohttp proxy")

    def adds(figures: Figures) -> str:
        median_ms, least_ms = added(figures, direct), added(figures, direct, min)
        return f"{median_ms} ({least_ms})" if median_ms else ""

    columns: list[tuple[str, Callable[[Figures], str]]] = [
        ("", lambda f: str(f["name"])),
        ("1 conn., req/s", lambda f: number(rate(f, "1"))),
        ("16", lambda f: number(rate(f, "16"), rate(f, "16", max))),
        ("64", lambda f: number(rate(f, "64"))),
        ("of bare aiohttp at 16", lambda f: times(rate(f, "16"), rate(bare, "16"))),
        ("added at the median, ms", adds),
        ("p99 at 64, ms", lambda f: number(value(f, "64", "p99_ms"))),
        ("CPU at 16, µs", lambda f: number(value(f, "16", "cpu_us"))),
        ("RSS, MB", lambda f: number(f.get("memory_mb"))),
    ]
    return _lines(columns, measured)


def machine(results: Figures) -> str:
    """Where and how it was measured, in a sentence for each."""
    about, plan = results["machine"], results["plan"]
    # What is measured here brings itself a load of about three.
    busy = about["load_before"] > about["cores"] or about["load_after"] > 3 * about["cores"]
    warning = "**The machine was busy with other things: only figures far apart say anything.** "
    return (warning if busy else "") + (
        f"{results['began_at']} to {results['ended_at']} on {about['processor']}, "
        f"{about['cores']} cores, {about['system']}, Python {about['python']}; load average "
        f"{about['load_before']} before and {about['load_after']} after. Medians of "
        f"{plan['rounds']} alternating rounds of {plan['seconds']} s each, in brackets the best; "
        "one worker process everywhere, wrk with one thread on the same machine."
    )


def _lines(
    columns: Sequence[tuple[str, Callable[[Figures], str]]], measured: Sequence[Figures]
) -> str:
    head = "| " + " | ".join(title for title, _ in columns) + " |"
    rule = "|---|" + "---:|" * (len(columns) - 1)
    rows = ["| " + " | ".join(cell(each) or "-" for _, cell in columns) + " |" for each in measured]
    return "\n".join([head, rule, *rows])
