"""The images: which Dockerfile, what goes in, how large they may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Image:
    """One image that this checkout makes."""

    name: str
    folder: str
    """Where its Dockerfile lies: beside the code that it packs."""
    paths: tuple[str, ...]
    """Files, and folders with a slash behind, whose change makes another image."""
    megabytes_max: int
    """So much larger than its base it may be."""
    shipped: bool = True
    """Whether it is pushed; what is not is for one machine alone."""

    @property
    def tag(self) -> str:
        """Name on the machine where it was built."""
        return f"localhost/{self.name}:local"

    @property
    def dockerfile(self) -> Path:
        """Where it is described."""
        return ROOT / self.folder / "Dockerfile"

    @property
    def bases(self) -> dict[str, str]:
        """The images that it starts from, by build argument."""
        return dict(re.findall(r"^ARG (\w*BASE)=(\S+)$", self.dockerfile.read_text(), re.MULTILINE))


IMAGES = {
    image.name: image
    for image in (
        Image("noon-backend", "backend", ("backend/", "requirements/backend.txt"), 250),
        Image(
            "noon-cli",
            "noon",
            (
                "function_app/",
                "models/",
                "noon/",
                "requirements/cli.txt",
                "shared/",
                "simulation/",
                "training_components/",
            ),
            400,
        ),
        Image("noon-frontend", "webui", ("webui/", "requirements/node.txt"), 60),
        Image(
            "noon-local",
            "emulator",
            (
                "backend/",
                "emulator/",
                "examples/",
                "function_app/",
                "function_app.py",
                "host.json",
                "models/",
                "noon/",
                "requirements/local.txt",
                "requirements/node.txt",
                "shared/",
                "training_components/",
            ),
            1500,
            shipped=False,
        ),
    )
}
EVERY_IMAGE = (".dockerignore", ".github/workflows/images.yml", "images/")


def affected(changed: list[str]) -> list[Image]:
    """The images that are shipped and that changes of these files make anew."""
    return [
        image
        for image in IMAGES.values()
        if image.shipped
        and any(_below(path, place) for path in changed for place in (*image.paths, *EVERY_IMAGE))
    ]


def _below(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place
