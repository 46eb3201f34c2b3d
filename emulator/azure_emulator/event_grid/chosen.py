"""What the caller chooses about events: how fast retries come, in which order, how they look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SPELLINGS = ("camelCase", "PascalCase")


@dataclass(slots=True)
class Chosen:
    """Choices that can change while Event Grid runs."""

    retry_scale: float = 1.0
    """Every pause of the retry schedule, of probation and of a lifetime, times this."""
    shuffle_seed: int | None = None
    """With a seed, what is due at once is sent in an order of chance, the same for the seed."""
    data_keys: str = SPELLINGS[0]
    """How the keys of the workspace's events are spelled: both are published."""
    hierarchical: bool = False
    """As an account with a hierarchical namespace: CreateFile, then FlushWithClose."""
    dead_letter_seconds: float = 0.0
    """From giving up to the dead letter; the real service waits 300."""

    def update(self, given: Mapping[str, Any]) -> None:
        """Change what is given, all or nothing; raise ValueError that names what is wrong."""
        known = asdict(self)
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(sorted(known))}")
            _check(name, value)
        for name, value in given.items():
            setattr(self, name, value)


def _check(name: str, value: Any) -> None:
    if name == "data_keys":
        if value not in SPELLINGS:
            raise ValueError(f"data_keys is {' or '.join(SPELLINGS)}")
    elif name == "hierarchical":
        if not isinstance(value, bool):
            raise ValueError("hierarchical is true or false")
    elif name == "shuffle_seed":
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ValueError("shuffle_seed is a whole number or null")
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} is a number of at least 0")
