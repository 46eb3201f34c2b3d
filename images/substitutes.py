"""Base images made from Debian's packages, for a machine that reaches no image registry."""

from __future__ import annotations

import tempfile
from pathlib import Path

from images.shell import ImagesError, found, run

SUITE = "bookworm"
PACKAGES = {
    "docker.io/library/python": ("ca-certificates", "python3", "python3-venv"),
    "docker.io/library/nginx": ("ca-certificates", "curl", "nginx-light"),
}
"""What stands for which image. Debian's Python lies in /usr/bin, the other's in /usr/local/bin."""


def make_substitute(image: str) -> None:
    """Make an image of that name from Debian's packages and mark it by a label."""
    packages = PACKAGES.get(image.partition("@")[0].rpartition(":")[0])
    tool = found("mmdebstrap")
    if not packages or not tool or not found("podman"):
        raise ImagesError(
            f"{image} cannot be pulled, and nothing can be made in its place: mmdebstrap and "
            f"podman are needed, and one of {', '.join(PACKAGES)}"
        )
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.tar"
        chosen = f"--include={','.join(packages)}"
        run([tool, "--mode=root", "--variant=minbase", chosen, SUITE, str(archive)])
        mark = ["--change", "LABEL noon.substitute=debian-bookworm"]
        run(["podman", "import", "--quiet", *mark, str(archive), image])
