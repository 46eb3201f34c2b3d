"""What stands for an environment's image on this machine."""

from __future__ import annotations

import shlex
from fnmatch import fnmatchcase

from ...operations import OperationFailedError


def command_for(image: str, images: tuple[tuple[str, str], ...]) -> list[str]:
    """Give the local command of an image: by its name with and without registry and tag."""
    name = image.rpartition("/")[2] if "/" in image else image
    host, _, rest = image.partition("/")
    without_host = rest if rest and ("." in host or ":" in host) else image
    untagged = without_host.partition("@")[0]
    untagged = untagged.rpartition(":")[0] if ":" in untagged else untagged
    candidates = {image, without_host, untagged, name, name.partition(":")[0].partition("@")[0]}
    for pattern, command in images:
        if any(fnmatchcase(candidate, pattern) for candidate in candidates):
            return shlex.split(command)
    raise OperationFailedError(
        f"No local command is known for the image '{image}': start the emulator with"
        f" --image '{untagged}=COMMAND'."
    )
