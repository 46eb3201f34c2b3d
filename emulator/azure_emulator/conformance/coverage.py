"""Which of the SDK's operations work here, found by calling them."""

from __future__ import annotations

import inspect
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azure.ai.ml import MLClient
from azure.core.exceptions import HttpResponseError

from .probe_world import World
from .probes import KINDS, LOCAL_MACHINE, PROBES
from .rest_models import Exchange, exchanges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..router import Operation

WORKS, REFUSED, LOCAL, FAILS = "works", "501", "not probed", "fails"
SDK_FAULTS = {
    "data.list_materialization_status": "the SDK hands the name to `requests` and fails",
    "components.download": "the SDK reads addresses of core.windows.net alone",
}
"""What cannot work against any server but Azure's, or none at all."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one public method of the SDK fared; `words` say why when it does not work."""

    method: str
    outcome: str
    words: str = ""


def public_methods(client: MLClient) -> Iterator[str]:
    """Name the public methods of the counted operation classes, from the classes themselves."""
    for kind in KINDS:
        for name, _ in inspect.getmembers(type(getattr(client, kind)), inspect.isfunction):
            if not name.startswith("_"):
                yield f"{kind}.{name}"


def other_classes(client: MLClient) -> dict[str, int]:
    """Count the methods of the operation classes that are left out."""
    found = {}
    for name, member in vars(MLClient).items():
        if name.startswith("_") or name in KINDS or not isinstance(member, property):
            continue
        group = type(getattr(client, name))
        if group.__name__.endswith("Operations"):
            functions = inspect.getmembers(group, inspect.isfunction)
            found[name] = sum(not each.startswith("_") for each, _ in functions)
    return found


def probe(world: World) -> list[Result]:
    """Call every method once, in the order of the probes; give them in the order of the classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: _outcome(name, world) for name in PROBES}
    missing = [name for name in public_methods(world.client) if name not in found]
    for name in missing:
        words = "mounts with azureml-dataprep" if name in LOCAL_MACHINE else "has no probe"
        found[name] = Result(name, LOCAL, words)
    order = list(public_methods(world.client))
    return sorted(found.values(), key=lambda each: order.index(each.method))


def rest_operations(ours: Iterable[Operation]) -> Iterator[tuple[Exchange, str]]:
    """Give each REST operation of the SDK's clients with the name that answers it here, or ""."""
    known = list(ours)
    for exchange in exchanges():
        names = [
            operation.name
            for operation in known
            if operation.method == exchange.method
            and len(operation.parts) == len(exchange.segments)
            and operation.match(list(exchange.segments)) is not None
        ]
        yield exchange, names[0] if names else ""


def _outcome(name: str, world: World) -> Result:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        PROBES[name](world)
    except HttpResponseError as error:
        outcome = REFUSED if error.status_code == 501 else FAILS
        return Result(name, outcome, str(error.message).splitlines()[0])
    except Exception as error:
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        return Result(name, FAILS, SDK_FAULTS.get(name, words))
    finally:
        logging.disable(before)
    return Result(name, WORKS)
