"""The small pure parts: command lines, images, durations."""

from __future__ import annotations

import pytest
from azure_emulator.machine_learning.jobs.command_line import UnknownPlaceholderError, render
from azure_emulator.machine_learning.online.durations import seconds
from azure_emulator.machine_learning.online.images import command_for
from azure_emulator.operations import OperationFailedError


@pytest.mark.parametrize(
    ("command", "rendered"),
    [
        ("a ${{inputs.x}} ${{outputs.y}}", "a 1 /out"),
        ("a $[[--z ${{inputs.z}}]]", "a "),
        ("a $[[--x ${{inputs.x}}]]", "a --x 1"),
        ("a $[[--x ${{inputs.x}} --z ${{inputs.z}}]]", "a "),
        ("a ${{ inputs.x }}", "a 1"),
        ("a $HOME", "a $HOME"),
    ],
)
def test_placeholders_are_filled_and_optional_parts_dropped(command: str, rendered: str) -> None:
    """An optional part stays only if all its inputs have a value."""
    assert render(command, {"x": "1"}, {"y": "/out"}) == rendered


def test_an_input_without_a_value_outside_an_optional_part_is_an_error() -> None:
    """The command cannot be filled in."""
    with pytest.raises(UnknownPlaceholderError, match=r"inputs\.z"):
        render("a ${{inputs.z}}", {}, {})


@pytest.mark.parametrize(
    "image",
    [
        "noon-backend",
        "noon-backend:abc",
        "noonacr.azurecr.io/noon-backend:abc",
        "localhost:5000/noon-backend@sha256:00",
        "noonacr.azurecr.io/team/noon-backend:1",
    ],
)
def test_an_image_is_known_with_and_without_registry_and_tag(image: str) -> None:
    """One pattern names the image wherever it is kept."""
    assert command_for(image, (("noon-backend", "serve it"),)) == ["serve", "it"]


def test_an_unknown_image_fails_the_deployment_by_name() -> None:
    """The message says what to add."""
    with pytest.raises(OperationFailedError, match="--image 'team/other=COMMAND'"):
        command_for("r.example/team/other:1", (("noon-backend*", "x"),))


@pytest.mark.parametrize(("text", "value"), [("PT5S", 5), ("PT0.5S", 0.5), ("P1DT1M", 86460)])
def test_durations_are_read(text: str, value: float) -> None:
    """As Azure writes them."""
    assert seconds(text) == value
