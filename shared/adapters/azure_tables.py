"""One Azure table: made when missing, with Noon's errors instead of the client's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_errors import azure_errors

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient, TableEntity

KEPT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")
PAGE = 1000
TRANSACTION_MAX = 100


class AzureTable:
    """A table of an account; the client is built and the table made at the first use."""

    def __init__(self, account_url: str, name: str, credential: TokenCredential) -> None:
        self._account_url = account_url
        self._name = name
        self._credential = credential
        self._lock = Lock()
        self._client: TableClient | None = None

    def client(self) -> TableClient:
        """The client of the table, which exists."""
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def query(
        self,
        condition: str,
        parameters: Mapping[str, Any],
        *,
        select: list[str] | None = None,
        most: int | None = None,
    ) -> list[TableEntity]:
        """The rows for which the condition holds, in the order of keys, at the most `most`."""
        with azure_errors(f"query the table {self._name}"):
            pages = self.client().query_entities(
                condition,
                parameters=dict(parameters),
                select=select,
                results_per_page=min(most or PAGE, PAGE),
            )
            return list(islice(pages, most))

    def get(self, partition: str, row: str) -> TableEntity | None:
        """The row, or None."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"read {partition}/{row}"), suppress(ResourceNotFoundError):
            return self.client().get_entity(partition, row)
        return None

    def insert(self, entity: dict[str, Any]) -> bool:
        """Write a new row; False if the key is there already."""
        from azure.core.exceptions import ResourceExistsError

        with azure_errors(f"insert {entity['RowKey']}"), suppress(ResourceExistsError):
            self.client().create_entity(entity)
            return True
        return False

    def upsert(self, entity: dict[str, Any]) -> None:
        """Write the row, whatever was there."""
        from azure.data.tables import UpdateMode

        with azure_errors(f"write {entity['RowKey']}"):
            self.client().upsert_entity(entity, mode=UpdateMode.REPLACE)

    def upsert_together(self, writes: Iterable[tuple[dict[str, Any], bool]]) -> None:
        """Write rows of one partition, all or nothing; at the most a hundred.

        With each comes whether it is merged: then other columns of a row that is there stay.
        """
        from azure.data.tables import TransactionOperation, UpdateMode

        modes = {False: UpdateMode.REPLACE, True: UpdateMode.MERGE}
        with azure_errors(f"write rows of {self._name}"):
            self.client().submit_transaction(
                (TransactionOperation.UPSERT, entity, {"mode": modes[merged]})
                for entity, merged in writes
            )

    def delete_together(self, partition: str, rows: Sequence[str]) -> None:
        """Delete rows of one partition, a hundred at once; what is gone is success."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.data.tables import TableTransactionError, TransactionOperation

        for start in range(0, len(rows), TRANSACTION_MAX):
            keys = rows[start : start + TRANSACTION_MAX]
            entities = [{"PartitionKey": partition, "RowKey": row} for row in keys]
            with azure_errors(f"delete rows of {self._name}"):
                try:
                    self.client().submit_transaction(
                        (TransactionOperation.DELETE, entity) for entity in entities
                    )
                except TableTransactionError as error:
                    if error.status_code != 404:
                        raise
                    # One that is gone spoils the whole transaction: then each by itself.
                    for row in keys:
                        with suppress(ResourceNotFoundError):
                            self.client().delete_entity(partition, row)

    def _made(self) -> TableClient:
        from azure.core.exceptions import ResourceExistsError
        from azure.data.tables import TableClient

        client = TableClient(
            self._account_url,
            self._name,
            credential=self._credential,
            # A pass holds a lease of a minute: better to give up and come again.
            retry_total=1,
            connection_timeout=5,
            read_timeout=20,
        )
        with azure_errors(f"make the table {self._name}"), suppress(ResourceExistsError):
            client.create_table()
        return client


def escaped(text: str) -> str:
    """The text as a part of a key: what a table forbids there is written as `=` and hex digits."""
    return "".join(
        char if char in KEPT else "".join(f"={byte:02x}" for byte in char.encode()) for char in text
    )
