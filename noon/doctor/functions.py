"""Checks of the function app: whether it answers, its functions, its keys and its timers."""

from __future__ import annotations

import os
import re

from noon.declared import Declared, declared_functions
from noon.doctor.finding import Found, SkippedError, fail, ok, warn
from noon.doctor.patient import Patient
from noon.doctor.wire import Reply, why_unreachable

NOBODY = "noon-doctor"
"""A model of this name there is not; asking for it changes nothing."""
PROBLEM = "application/problem+json"
SCHEDULES = ("TRAINING_SCHEDULE", "TICK_SCHEDULE")


def app(patient: Patient) -> Found:
    """The app answers: it was loaded, so its settings and model files are right."""
    url = patient.app.url
    try:
        reply = patient.ask(f"{url}/api/health")
    except OSError as error:
        return fail(f"{url}: {why_unreachable(error)}", "start it: noon up; elsewhere see NOON_URL")
    if reply.status == 200:
        milliseconds = (reply.answered_at - reply.asked_at) * 1000
        return ok(f"{url} answers in {milliseconds:.0f} ms")
    if reply.status == 403:
        return fail(
            f"{url}: 403", "the app is stopped, or this address may not enter: see its portal"
        )
    return fail(
        f"{url}/api/health: {reply.status}",
        "the app has no functions: a setting or a model file is wrong, see the log of its start",
    )


def functions(patient: Patient) -> Found:
    """Every function of this checkout is there."""
    wanted = declared_functions()
    if patient.master_key:
        return _indexed(patient, wanted)
    asked = [function for function in wanted if function.keyed]
    statuses = {function.name: _without_key(patient, function) for function in asked}
    missing = [name for name, reply in statuses.items() if _is_missing(reply)]
    if missing:
        return _missing(missing)
    unlocked = [name for name, reply in statuses.items() if reply.status != 401]
    if unlocked:
        return warn(
            f"{', '.join(unlocked)}: answered without a key ({statuses[unlocked[0]].status})",
            "start the host with keys (func start --enableAuth), or see the app's authentication",
        )
    others = len(wanted) - len(asked)
    return ok(f"{len(asked)} HTTP functions are there; {others} others cannot be seen from outside")


def _indexed(patient: Patient, wanted: tuple[Declared, ...]) -> Found:
    """By the host's own page, which this machine's host has open for us."""
    reply = _answered(patient, "/admin/functions", key=patient.master_key)
    if reply.status != 200:
        return fail(f"/admin/functions: {reply.status}", "restart the stack: noon down, noon up")
    there = {str(each.get("name")) for each in reply.json() or ()}
    missing = [function.name for function in wanted if function.name not in there]
    return _missing(missing) if missing else ok(f"{len(there)}: {', '.join(sorted(there))}")


def _missing(names: list[str]) -> Found:
    return fail(
        f"missing: {', '.join(names)}",
        "deploy this checkout; a host that has just been started indexes them for some seconds",
    )


def _without_key(patient: Patient, function: Declared) -> Reply:
    # An order in an empty body would be refused, should the host not ask for keys.
    route = re.sub(r"\{[^}]*\}", NOBODY, function.route)
    body = b"{}" if function.method == "POST" else None
    return _answered(patient, f"/api/{route}", function.method, body=body)


def _is_missing(reply: Reply) -> bool:
    """The host knows no such route; a function of ours says what it does not find."""
    return reply.status == 404 and PROBLEM not in str(reply.headers.get("content-type", ""))


def keys(patient: Patient) -> Found:
    """Each key opens what it is for, and the one for reading orders nothing."""
    client = patient.app
    reads = _answered(patient, f"/api/why/{NOBODY}", key=client.function_key)
    order, turn = f"/api/models/{NOBODY}/train", f"/api/models/{NOBODY}/rollout/pause"
    opened = {
        "NOON_FUNCTION_KEY": reads.status != 401,
        "NOON_ORDERS_KEY": _opens(patient, order, client.orders_key),
        "NOON_ROLLOUT_KEY": _opens(patient, turn, client.rollout_key),
    }
    wrong = [name for name, right in opened.items() if not right]
    if wrong:
        return fail(
            f"refused: {', '.join(wrong)}",
            "az functionapp keys list, and function keys list for train and rollout; on this "
            "machine unset them: the stack's own are used",
        )
    if client.function_key and _opens(patient, order, client.function_key):
        return warn(
            "NOON_FUNCTION_KEY opens orders too: it is a key of the whole host",
            "give readers the keys of single functions, such as those of models and predict",
        )
    return ok(f"{', '.join(opened)} open what they are for")


def _opens(patient: Patient, path: str, key: str) -> bool:
    """Whether the key opens an order; the empty order itself is refused."""
    return _answered(patient, path, "POST", key, b"{}").status not in (401, 403)


def timers(patient: Patient) -> Found:
    """The timers have a schedule."""
    wanted = [each.name for each in declared_functions() if each.trigger == "timer_trigger"]
    if not patient.has_settings:
        raise SkippedError("the app's settings are not in the environment")
    unset = [name for name in SCHEDULES if not os.environ.get(name)]
    if unset:
        return fail(
            f"{', '.join(unset)} is not set: the host does not start such a timer",
            "set it, as local.settings.sample.json does",
        )
    schedules = ", ".join(f"{name} {os.environ[name]!r}" for name in SCHEDULES)
    return ok(f"{', '.join(wanted)}: {schedules} (UTC)")


def _answered(
    patient: Patient, path: str, method: str = "GET", key: str = "", body: bytes | None = None
) -> Reply:
    url = patient.app.url
    try:
        return patient.ask(f"{url}{path}", method, key, body)
    except OSError:
        raise SkippedError("the app does not answer: see app") from None
