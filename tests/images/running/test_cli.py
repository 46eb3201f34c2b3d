"""The image of the command line, without a stack; with one it is asked in test_compose.py."""

from __future__ import annotations

import json

from images.catalogue import IMAGES
from tests.images.running.containers import Podman

IMAGE = IMAGES["noon-cli"].tag
ALONE = ["--network=none"]


def test_help_is_what_it_does_when_nothing_is_asked(podman: Podman) -> None:
    """People meet the commands first."""
    done = podman.once(IMAGE, options=ALONE)
    assert done.returncode == 0
    assert "noon status" in done.stdout


def test_drills_are_played_inside(podman: Podman) -> None:
    """The production code decides right in there, without network and on a read-only root."""
    done = podman.once(IMAGE, "drill", "trigger", "--json", options=ALONE)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results
    assert all(result["passed"] for result in results)


def test_what_the_image_leaves_out_it_says(podman: Podman) -> None:
    """The gate's drills train models; the libraries for that would triple the image."""
    done = podman.once(IMAGE, "drill", "gate", "--json", options=ALONE)
    assert done.returncode == 1
    assert "libraries for that are not installed here" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_to_talk_to_is_said_in_one_sentence(podman: Podman) -> None:
    """Exit code 3, for scripts."""
    options = [*ALONE, "--env=NOON_URL=http://127.0.0.1:9"]
    done = podman.once(IMAGE, "status", options=options)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
