"""What every ReleaseStore keeps to."""

from __future__ import annotations

from shared.domain.facts import Release
from shared.ports import ReleaseStore


def test_no_release_before_the_first(release_store: ReleaseStore) -> None:
    """Before anything was deployed there is no release."""
    assert release_store.release() is None


def test_newest_release_counts(release_store: ReleaseStore) -> None:
    """A release replaces the one before."""
    for release in (Release("noon_retrain:1a", 1), Release("noon_retrain:2b", 12)):
        release_store.publish(release)
        assert release_store.release() == release
