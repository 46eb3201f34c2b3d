"""The anchor: what a challenger is held against besides the champion, lest quality creep down."""

from __future__ import annotations

from shared.domain.state import ModelState, Version

ANCHORS_LOOKED_AT = 5
"""The anchor is the best of this many former champions."""


def anchor_of(state: ModelState) -> Version | None:
    """The best of the last champions, unless that is the present one."""
    if state.champion is None:
        return None
    present = state.champion.version

    def worth(version: Version) -> float:
        return version.score.value if version.score.higher_is_better else -version.score.value

    best = max((present, *state.former[:ANCHORS_LOOKED_AT]), key=worth)
    return None if best.number == present.number else best
