"""What every Lease keeps to."""

from __future__ import annotations

import pytest

from shared.adapters.azure_blobs import AzureBlobLease
from shared.adapters.credential import LazyCredential
from shared.domain.errors import ConflictError


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
    """A check renews the lease and says nothing."""
    with lease.lease.hold("flights") as hold:
        hold.check()
        hold.check()


def test_lost_lease_is_noticed(lease) -> None:
    """Whoever lost the lease is told at the next check, and leaves without a sound."""
    with lease.lease.hold("flights") as hold:
        lease.break_off("flights")
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
            present.check()


@pytest.mark.parametrize("seconds", [0, 14, 61])
def test_length_that_storage_does_not_know_is_refused(seconds: int) -> None:
    """A blob lease lasts 15 to 60 seconds."""
    with pytest.raises(ValueError, match="15 to 60"):
        AzureBlobLease("https://127.0.0.1:1/devstoreaccount1", LazyCredential(), seconds)
