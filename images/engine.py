"""What builds images on this machine: buildah, or else Docker."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from images.catalogue import ROOT, Image
from images.shell import ImagesError, found, run, run_showing

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""The authorities that this machine trusts: its way to a package index may pass one of its own."""
LOCAL_SUBSTITUTE = "none: made here from Debian's packages"


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to build; `name` is buildah or docker."""

    name: str

    def has(self, image: str) -> bool:
        """Whether this machine has the image."""
        command = {"buildah": ["buildah", "inspect", "--type", "image", image]}
        try:
            run(command.get(self.name, ["docker", "image", "inspect", image]))
        except ImagesError:
            return False
        return True

    def pull(self, image: str) -> None:
        """Fetch an image; raises ImagesError when no registry gives it."""
        run([self.name, "pull", image])

    def digest(self, image: str) -> str:
        """The digest by which a registry knows the image, or a word why there is none."""
        if self.name == "docker":
            names = json.loads(run(["docker", "image", "inspect", image]))[0]["RepoDigests"]
            return str(names[0]).partition("@")[2] if names else LOCAL_SUBSTITUTE
        told = json.loads(run(["buildah", "inspect", "--type", "image", image]))
        if (told["OCIv1"].get("config", {}).get("Labels") or {}).get("noon.substitute"):
            return LOCAL_SUBSTITUTE
        return str(told["FromImageDigest"])

    def build(self, image: Image, labels: dict[str, str], created_at: int) -> None:
        """Build the image from the checkout and give it its tag."""
        given = [f"--label={name}={value}" for name, value in labels.items()]
        common = ["--file", str(image.dockerfile), "--tag", image.tag, *given]
        if self.name == "docker":
            run_showing(["docker", "build", *common, str(ROOT)])
            return
        # Docker's own format: the one of OCI has no place for health checks.
        command = ["buildah", "build", "--format", "docker", "--layers", "--pull-never"]
        command += ["--network", "host", f"--timestamp={created_at}", *_runtime(), *common]
        if CERTIFICATES.exists():
            command.append(f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
        run_showing([*command, str(ROOT)])


def find_engine() -> Engine:
    """What this machine has; raises ImagesError when it has nothing."""
    for name in ("buildah", "docker"):
        if found(name):
            return Engine(name)
    raise ImagesError(
        "there is neither buildah nor docker here: install one, or run `make test-images` as root "
        "on Debian, which installs buildah and podman"
    )


def registry_digest(tag: str) -> str:
    """The digest that a registry gives for a tag now; it is Docker that asks."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", tag]
    return str(json.loads(run(command))["digest"])


def _runtime() -> list[str]:
    """runc where there is one and we are root: crun needs more of the kernel than some give."""
    runc = found("runc")
    return ["--isolation", "oci", "--runtime", runc] if runc and os.geteuid() == 0 else []
