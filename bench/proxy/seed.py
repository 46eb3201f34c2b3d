"""Writes where flights is served into the state table of the settings."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from shared.adapters.azure_state import AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.bootstrap import STATE_TABLE
from shared.domain.state import Address, ModelState
from shared.settings import load_settings

if __name__ == "__main__":
    store = AzureTableStateStore(
        AzureTable(load_settings().table_url, STATE_TABLE, LazyCredential())
    )
    never, before = datetime(9999, 1, 1, tzinfo=UTC), store.load("flights")
    address = Address(sys.argv[1], 1, "v1-e1", serving="container")
    store.save(ModelState("flights", datetime.now(UTC), never, address=address), before.etag)
