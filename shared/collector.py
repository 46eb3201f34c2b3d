"""The garbage collector of a process that loads a lot once and then answers many small requests."""

from __future__ import annotations

import gc

YOUNG_MAX = 50_000
"""Objects between two collections of the young ones, instead of 700: each request makes hundreds,
and nearly all of them are gone before, counted out."""

OLDER_AFTER, OLDEST_AFTER = 20, 100


def settle() -> None:
    """What was loaded so far stays for the life of the process, and is looked through no more."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, OLDER_AFTER, OLDEST_AFTER)
