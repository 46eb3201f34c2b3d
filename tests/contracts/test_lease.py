"""What every Lease keeps to."""

from __future__ import annotations

import pytest

from shared.adapters.azure_blobs import AzureBlobLease
from shared.adapters.credential import LazyCredential
from shared.domain.errors import ConflictError

A_THIRD = 20.5
"""Seconds after which a lease of a minute is renewed."""


def test_only_one_holds_a_model(lease) -> None:
    """While somebody holds a model nobody else can; another model is free."""
    with lease.lease.hold("flights") as first:
        assert first is not None
        with lease.lease.hold("flights") as second:
            assert second is None
        with lease.lease.hold("diabetes") as other:
            assert other is not None


def test_lease_is_given_back(lease) -> None:
    """After a pass, also one that failed, the next one can hold the model."""
    with pytest.raises(ZeroDivisionError), lease.lease.hold("flights"):
        1 / 0  # noqa: B018 - any error will do
    with lease.lease.hold("flights") as hold:
        assert hold is not None


def test_held_lease_can_be_checked_again_and_again(lease) -> None:
    """A check renews the lease when that is due, and says nothing."""
    with lease.lease.hold("flights") as hold:
        for _ in range(4):
            hold.check()
            lease.pass_seconds(A_THIRD)


def test_lost_lease_is_noticed(lease) -> None:
    """Whoever lost the lease is told when it is to be renewed, and leaves without a sound."""
    with lease.lease.hold("flights") as hold:
        lease.break_off("flights")
        lease.pass_seconds(A_THIRD)
        with pytest.raises(ConflictError):
            hold.check()
        with pytest.raises(ConflictError):
            hold.check()


def test_loser_does_not_give_back_what_another_took(lease) -> None:
    """A lease that another holds by now survives the exit of its former holder."""
    former = lease.lease.hold("flights")
    with former:
        lease.break_off("flights")
        with lease.lease.hold("flights") as present:
            assert present is not None
            former.__exit__(None, None, None)
            lease.pass_seconds(A_THIRD)
            present.check()


@pytest.mark.parametrize("lease", ["azure"], indirect=True)
def test_quick_pass_asks_twice(lease, requests_sent) -> None:
    """Checks cost nothing until a third of the lease is over, then one request each third."""
    with lease.lease.hold("flights"):
        """The first use makes what is missing."""
    with requests_sent() as sent, lease.lease.hold("flights") as hold:
        for _ in range(5):
            hold.check()
    assert sent == ["PUT blob"] * 2
    with requests_sent() as sent, lease.lease.hold("flights") as hold:
        for _ in range(3):
            lease.pass_seconds(A_THIRD)
            hold.check()
            hold.check()
    assert sent == ["PUT blob"] * 5


@pytest.mark.parametrize("seconds", [0, 14, 61])
def test_length_that_storage_does_not_know_is_refused(seconds: int) -> None:
    """A blob lease lasts 15 to 60 seconds."""
    with pytest.raises(ValueError, match="15 to 60"):
        AzureBlobLease("https://127.0.0.1:1/devstoreaccount1", LazyCredential(), seconds)
