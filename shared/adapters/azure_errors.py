"""Turns what Azure's clients raise into Noon's own errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.domain.errors import (
    BusyError,
    ConflictError,
    NoonError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

BY_STATUS: dict[int, type[NoonError]] = {
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    429: BusyError,
    # A token that is refused, or cannot be had, is cured by time or by an operator.
    401: UnavailableError,
    408: UnavailableError,
}


@contextmanager
def azure_errors(doing: str) -> Iterator[None]:
    """Raise what Azure raises as an error of the domain that says what was being done."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        yield
    except ClientAuthenticationError as error:
        raise UnavailableError(f"{doing}: {first_line(error)}") from error
    except HttpResponseError as error:
        raise of_response(doing, error) from error
    except AzureError as error:
        raise UnavailableError(f"{doing}: {first_line(error)}") from error


def of_response(doing: str, error: HttpResponseError) -> NoonError:
    """The error that an answer stands for, by its status."""
    status = error.status_code or 0
    kind = BY_STATUS.get(status, RefusedError if 400 <= status < 500 else UnavailableError)
    return kind(f"{doing}: {status} {first_line(error)}")


def first_line(error: Exception) -> str:
    """What an error says, without the request that some clients append, with its details.

    The inference service behind Azure ML says what is wrong in the details alone, as JSON.
    """
    text = str(getattr(error, "message", "") or error).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    details = getattr(getattr(error, "error", None), "details", None) or ()
    more = [words for detail in details for words in _words(str(detail.message or ""))]
    return f"{line} ({'; '.join(more)})" if more else line


def _words(message: str) -> list[str]:
    try:
        document = json.loads(message)
        groups = document["errors"].values()
        return [str(words) for group in groups for words in group]
    except (ValueError, LookupError, TypeError, AttributeError):
        return message.strip().splitlines()[:1] if not message.startswith("{") else []
