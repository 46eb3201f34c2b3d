"""The command line of a step: placeholders and optional parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs)\.([A-Za-z0-9_\-]+)(\.path)?\s*\}\}")


class UnknownPlaceholderError(Exception):
    """The command names an input or output that the component does not have."""


def render(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """Fill in the command; an optional part stays only when all its inputs have a value.

    >>> render("run ${{inputs.a}} $[[--b ${{inputs.b}}]]", {"a": "1"}, {})
    'run 1 '
    """
    values = {"inputs": inputs, "outputs": outputs}

    def fill(match: re.Match[str]) -> str:
        group, name = match[1], match[2]
        if name not in values[group]:
            raise UnknownPlaceholderError(f"{group}.{name} has no value")
        return values[group][name]

    def keep(match: re.Match[str]) -> str:
        names = [(part[1], part[2]) for part in PLACEHOLDER.finditer(match[1])]
        return match[1] if all(name in values[group] for group, name in names) else ""

    return PLACEHOLDER.sub(fill, OPTIONAL.sub(keep, command))
