"""Which traffic maps an endpoint takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...arm import user_error
from .answers import invalid
from .lifecycle import never_made, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...resource import Resource

MIRROR_PERCENT_MAX = 50


def percentages(given: Any, name: str) -> dict[str, int]:
    """Read a map of deployments to percents."""
    values = {str(key): value for key, value in (given or {}).items()}
    for key, value in values.items():
        if not isinstance(value, int) or not 0 <= value <= 100:
            raise user_error(f"{name} of '{key}' must be a whole number from 0 to 100.")
    return values


def check_traffic(
    live: Mapping[str, int], mirror: Mapping[str, int], deployments: Mapping[str, Resource]
) -> None:
    """Refuse maps that name nobody, do not add up, or mirror too much."""
    for name, percent in {**live, **mirror}.items():
        deployment = deployments.get(name.lower())
        if deployment is None:
            raise invalid(f"Traffic names a deployment that does not exist: '{name}'.")
        if percent and not serves(deployment):
            raise invalid(f"Deployment '{name}' in state {state_of(deployment)} gets no traffic.")
    if sum(live.values()) not in (0, 100):
        raise invalid(f"Traffic must add up to 0 or 100, not {sum(live.values())}.")
    mirrored = [name for name, percent in mirror.items() if percent]
    if len(mirrored) > 1 or sum(mirror.values()) > MIRROR_PERCENT_MAX:
        raise invalid("Mirror traffic goes to one deployment, 50 percent at most.")
    if any(live.get(name) for name in mirrored):
        raise invalid("A deployment with live traffic cannot get mirror traffic.")


def serves(deployment: Resource) -> bool:
    """Say whether something answers for it: a failed update leaves what was there before."""
    state = state_of(deployment)
    return state in ("Succeeded", "Updating") or (state == "Failed" and not never_made(deployment))


def shares(endpoint: Resource, name: str) -> list[int]:
    """Give what a deployment gets of live and of mirrored traffic, without zeros."""
    maps = (endpoint.properties["traffic"], endpoint.properties["mirrorTraffic"])
    return [
        share
        for each in maps
        for key, share in each.items()
        if share and key.lower() == name.lower()
    ]
