"""Words for people outside: Markdown that cannot be more than it looks."""

from __future__ import annotations

import hashlib

from shared.domain import chain_keys as keys
from shared.domain.decision import Decision


def plain(text: str, most: int = 2000) -> str:
    """A text of somebody else's as Markdown: it hides nothing and calls nobody."""
    short = text if len(text) <= most else text[: most - 2] + " …"
    return short.replace("<", "&lt;").replace("@", "@\u200b")


def marker_of(*parts: str) -> str:
    """A hidden line of Markdown by which something is found again."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return f"<!-- noon:{digest} -->"


def asked_of(decision: Decision) -> str:
    """The id with which `why` tells most of a decision; empty when it is about nothing."""
    about = decision.about
    version, job = keys.named(about, keys.VERSION), keys.named(about, keys.JOB)
    if version:
        return f"{decision.model}:{version}"
    slot, event = keys.named(about, "slot:"), keys.named(about, "event:")
    return job or slot or (f"event:{event}" if event else "")
