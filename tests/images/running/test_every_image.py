"""What holds for each image: who runs it, what is in it, how large it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from images.building import NOTES, created_at
from images.catalogue import IMAGES, Image
from images.materials import write_bill
from tests.images.running.containers import Podman

SHIPPED = [image for image in IMAGES.values() if image.shipped]
ALL = pytest.mark.parametrize("image", IMAGES.values(), ids=list(IMAGES))
PUBLIC = pytest.mark.parametrize("image", SHIPPED, ids=[image.name for image in SHIPPED])
NEVER = ("gcc", "cc", "g++", "make", "ld", "git", "npm")
EXPECTED = {
    "noon-backend": ("pkg:pypi/onnxruntime@", "pkg:deb/debian/libc6@"),
    "noon-cli": ("pkg:pypi/azure-ai-ml@", "pkg:deb/debian/libc6@"),
    "noon-frontend": ("pkg:npm/preact@", "pkg:deb/debian/libc6@"),
    "noon-local": ("pkg:npm/azurite@", "pkg:pypi/scikit-learn@"),
}


def shell(podman: Podman, image: Image, script: str) -> Any:
    """Run a line of shell in a container of the image, hardened."""
    return podman.once(image.tag, "-c", script, options=["--entrypoint=/bin/sh", "--network=none"])


@ALL
def test_who_runs_it_is_nobody(podman: Podman, image: Image) -> None:
    """A number above zero, without capabilities, and nothing but /tmp can be written."""
    script = (
        "id -u; grep CapEff /proc/self/status; touch /tmp/x && ! touch /app/x /etc/x 2>/dev/null"
    )
    done = shell(podman, image, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["10001", "CapEff:", "0000000000000000"]


@PUBLIC
def test_nothing_is_left_of_the_build(podman: Podman, image: Image) -> None:
    """No compiler, no pip, no cache; no file of ours that its user may change."""
    base = shell(podman, image, f"for one in {' '.join(NEVER)}; do command -v $one; done; true")
    assert base.stdout.split() == []
    left = "find / -xdev \\( -path '*/pip/_internal' -o -name '.npm' -o -path '*/.cache/*' \\)"
    ours = f"{left} -not -path '/usr/*' 2>/dev/null; find /app /opt/noon /srv /etc/noon -writable"
    assert shell(podman, image, f"{ours} -not -type l 2>/dev/null; true").stdout.split() == []


@PUBLIC
def test_no_secret_and_no_history_came_along(podman: Podman, image: Image) -> None:
    """The context is a list of what is wanted."""
    names = "-name '.git' -o -name '*.env' -o -name 'local.settings.json' -o -name 'tests'"
    found = shell(podman, image, f"find /app /srv/noon \\( {names} \\) 2>/dev/null; true")
    assert found.stdout.split() == []


@ALL
def test_the_size_is_noted_and_within_its_bound(image: Image) -> None:
    """So much above its base, as the build measured it."""
    noted = json.loads((NOTES / f"{image.name}.json").read_text())
    print(f"{image.name}: {noted['megabytes_above_base']} MB above its base")
    assert 0 < noted["megabytes_above_base"] <= image.megabytes_max


@ALL
def test_labels_say_where_it_comes_from(podman: Podman, image: Image) -> None:
    """Title, commit, time, and the base that was really used."""
    told = json.loads(podman("image", "inspect", image.tag).stdout)[0]
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in told["Config"]["Labels"].items()
    }
    assert labels["title"] == image.name
    assert labels["base.name"] == image.bases["BASE"]
    assert datetime.fromisoformat(labels["created"]).timestamp() == created_at()
    assert {"source", "revision", "version", "licenses", "base.digest"} <= set(labels)


@ALL
def test_the_bill_of_materials_is_made_from_the_image(image: Image) -> None:
    """CycloneDX that names what is really installed, Python's, npm's and Debian's packages."""
    bill = json.loads(write_bill(image).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == image.name
    names = [component["purl"] for component in bill["components"]]
    for expected in EXPECTED[image.name]:
        assert [name for name in names if name.startswith(expected)], expected
    assert len(names) == len(set(names))
