"""Writes what an image has installed as a bill of materials (CycloneDX), from its own files."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from images.building import NOTES
from images.catalogue import Image
from images.shell import ImagesError, found, run

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

PYTHON = "opt/noon/lib"
NODE = "app/emulator/azurite/node_modules"
BUNDLED = "etc/noon/package-lock.json"
"""What was bundled into static files is not installed any more: only this file names it."""
DEBIAN = "var/lib/dpkg/status"


def write_bill(image: Image) -> Path:
    """Write the bill beside the notes of the build and give its place."""
    # Late: building needs Python alone, only this needs the library.
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _unpack(image, root)
        bill = Bom(components=materials(root))
    bill.metadata.component = Component(
        name=image.name, type=ComponentType.CONTAINER, version=_id(image), bom_ref=image.name
    )
    # Flat: the image needs all that it has; who in it needs whom nobody says here.
    bill.register_dependency(bill.metadata.component, bill.components)
    NOTES.mkdir(parents=True, exist_ok=True)
    path = NOTES / f"{image.name}.cdx.json"
    path.write_text(JsonV1Dot6(bill).output_as_string(indent=1), encoding="utf-8")
    return path


def materials(root: Path) -> Iterator[Component]:
    """What is installed below the root of an image: of Python, of Debian, of npm."""
    for site in sorted((root / PYTHON).glob("python3*/site-packages")):
        for installed in distributions(path=[str(site)]):
            name = installed.name.lower().replace("_", "-")
            yield _component(name, installed.version, f"pkg:pypi/{name}")
    yield from _npm(root)
    yield from _debian(root / DEBIAN)


def _npm(root: Path) -> Iterator[Component]:
    found_packages = {
        (package["name"], package["version"])
        for described in (root / NODE).glob("**/package.json")
        if _is_package(described.parent)
        and {"name", "version"} <= set(package := json.loads(described.read_text(encoding="utf-8")))
    }
    lock = root / BUNDLED
    locked = json.loads(lock.read_text(encoding="utf-8"))["packages"] if lock.exists() else {}
    found_packages |= {
        (place.rpartition("node_modules/")[2], package["version"])
        for place, package in locked.items()
        if place and not package.get("dev")
    }
    for name, version in sorted(found_packages):
        yield _component(name, version, f"pkg:npm/{quote(name, safe='/')}")


def _debian(status: Path) -> Iterator[Component]:
    for paragraph in status.read_text(encoding="utf-8").split("\n\n") if status.exists() else ():
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{name}"
            yield _component(name, version, purl, f"?arch={fields['Architecture']}")


def _component(name: str, version: str, purl: str, qualifiers: str = "") -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    where = PackageURL.from_string(f"{purl}@{quote(version)}{qualifiers}")
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=where,
        bom_ref=where.to_string(),
    )


def _is_package(folder: Path) -> bool:
    """Whether npm installed the folder: packages hold other files of that name, for their tests."""
    above = folder.parent
    return above.name == "node_modules" or (
        above.name.startswith("@") and above.parent.name == "node_modules"
    )


def _unpack(image: Image, root: Path) -> None:
    """Copy the parts of the image's file system that say what is installed."""
    program = found("podman") or found("docker")
    if not program:
        raise ImagesError("podman or docker is needed to look into an image")
    container = run([program, "create", image.tag]).strip().splitlines()[-1]
    try:
        with subprocess.Popen(  # noqa: S603 - a container that was made here
            [program, "export", container], stdout=subprocess.PIPE
        ) as exported:
            wanted = [f"{PYTHON}/*/METADATA", DEBIAN, BUNDLED, f"{NODE}/*package.json"]
            tar = ["tar", "--extract", "--file=-", f"--directory={root}", "--wildcards"]
            # tar ends with 2 when a pattern finds nothing: most images have no packages of npm.
            subprocess.run(  # noqa: S603
                [*tar, *wanted], stdin=exported.stdout, stderr=subprocess.DEVNULL, check=False
            )
    finally:
        run([program, "rm", "--volumes", container])
    if not (root / DEBIAN).exists():
        raise ImagesError(f"{image.tag} does not say what Debian installed in it")


def _id(image: Image) -> str:
    program = found("podman") or found("docker")
    return run([program, "image", "inspect", "--format", "{{.Id}}", image.tag]).strip()
