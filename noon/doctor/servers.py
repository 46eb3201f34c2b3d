"""Checks of every server that is asked: its certificate and its clock."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from noon.doctor.finding import Found, SkippedError, State, fail, ok, warn
from noon.doctor.patient import REQUEST_SECONDS, Patient
from noon.doctor.wire import ask, why_unreachable

URL_SETTINGS = ("NOON_BLOB_URL", "NOON_QUEUE_URL", "NOON_TABLE_URL", "IDENTITY_ENDPOINT")
RENEW_DAYS = 14
DAY = 86400.0
SKEW_SECONDS_WARN = 5.0
SKEW_SECONDS_MAX = 60.0
"""Tokens are refused after five minutes; slots and soaks are wrong long before."""
WORST_FIRST = (State.FAIL, State.WARN, State.OK)

Server = tuple[str, str]
"""What it is for, and its URL."""


def certificates(patient: Patient) -> Found:
    """Each server's certificate is accepted, and will be for a while."""
    servers = [server for server in _servers(patient) if server[1].startswith("https://")]
    return _worst(servers, _certificate, "no server is asked over TLS")


def clock(patient: Patient) -> Found:
    """Our clock agrees with the servers', by the Date that they answer with."""
    return _worst(list(_servers(patient)), _clock, "there is no server to compare with")


def _servers(patient: Patient) -> Iterator[Server]:
    """The app and what its settings name, each host once."""
    seen: set[str] = set()
    for name, url in _urls(patient):
        place = urlsplit(url).netloc
        if place and place not in seen:
            seen.add(place)
            yield name, url


def _urls(patient: Patient) -> Iterator[Server]:
    with suppress(SkippedError):
        yield "the app", f"{patient.app.url}/api/health"
    if patient.has_settings:
        for setting in URL_SETTINGS:
            if (url := os.environ.get(setting, "")).startswith(("https://", "http://")):
                yield setting, url


def _worst(servers: list[Server], look: Callable[[Server], Found], nothing: str) -> Found:
    """What is worst about any of them, all looked at together."""
    if not servers:
        raise SkippedError(nothing)
    with ThreadPoolExecutor(len(servers)) as pool:
        found = list(pool.map(look, servers))
    for state in WORST_FIRST:
        told = [each for each in found if each.state == state]
        if told:
            text = "; ".join(dict.fromkeys(each.text for each in told if each.text))
            return Found(state, text, told[0].advice)
    return Found(State.SKIPPED, "none of the servers can be reached")


def _certificate(server: Server) -> Found:
    name, url = server
    parts = urlsplit(url)
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), REQUEST_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return fail(f"{name} ({parts.netloc}): {error.verify_message}", _trust_advice())
    except OSError:
        # That it cannot be reached is the business of other checks.
        return Found(State.SKIPPED, "")
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends - time.time()) / DAY
    if days < RENEW_DAYS:
        return warn(f"{name} ({parts.netloc}): ends in {days:.1f} days", "renew it")
    return ok(f"{name}: {days:.0f} days left")


def _trust_advice() -> str:
    bundle = os.environ.get("SSL_CERT_FILE", "")
    if not bundle:
        return "renew it, or set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to whom you trust"
    return f"renew it, or see whom {bundle} (SSL_CERT_FILE, REQUESTS_CA_BUNDLE) trusts"


def _clock(server: Server) -> Found:
    name, url = server
    try:
        reply = ask(url, timeout_seconds=REQUEST_SECONDS, verified=False)
        theirs = parsedate_to_datetime(str(reply.headers["Date"])).timestamp()
    except (OSError, TypeError, ValueError):
        return Found(State.SKIPPED, "")
    # Their clock had any value of that second, while the request was on its way.
    skew = max(reply.asked_at - (theirs + 1), theirs - reply.answered_at, 0.0)
    ahead = "behind" if theirs > reply.answered_at else "ahead of"
    text = f"this machine is {skew:.0f} s {ahead} {name} ({urlsplit(url).netloc})"
    if skew >= SKEW_SECONDS_MAX:
        return fail(text, "set the clock, by NTP for example: tokens and noon go by it")
    if skew >= SKEW_SECONDS_WARN:
        return warn(text, "let NTP keep the clock")
    return ok(f"agrees with {name}")


def unreachable(error: OSError, what: str) -> Found:
    """Nobody answered, or nobody whom we trust."""
    return fail(f"{what}: {why_unreachable(error)}", "is it running? see noon logs, or the portal")
