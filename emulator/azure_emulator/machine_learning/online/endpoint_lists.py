"""What a list of endpoints can be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...resource import Resource
    from ...router import Call

ORDERS: dict[str, tuple[Callable[[Resource], str], bool]] = {
    "createdatasc": (lambda endpoint: endpoint.created_at, False),
    "createdatdesc": (lambda endpoint: endpoint.created_at, True),
    "updatedatasc": (lambda endpoint: endpoint.modified_at, False),
    "updatedatdesc": (lambda endpoint: endpoint.modified_at, True),
}


def chosen(endpoints: list[Resource], call: Call) -> list[Resource]:
    """Give those that name, tags, properties and compute type ask for, in the order asked for."""
    if name := call.query("name"):
        endpoints = [one for one in endpoints if one.name.lower() == name.lower()]
    if (kind := call.query("computeType")) and kind.lower() != "managed":
        endpoints = []
    for pair in filter(None, call.query("tags").split(",")):
        endpoints = [one for one in endpoints if _has(one.body.get("tags"), pair)]
    for pair in filter(None, call.query("properties").split(",")):
        endpoints = [one for one in endpoints if _has(one.properties.get("properties"), pair)]
    if order := ORDERS.get(call.query("orderBy").lower()):
        endpoints = sorted(endpoints, key=order[0], reverse=order[1])
    return endpoints


def _has(values: dict[str, str] | None, pair: str) -> bool:
    key, separator, value = pair.partition("=")
    return key in (values or {}) and (not separator or (values or {})[key] == value)
