"""The page of costs says what docs/prices.toml says, and invents nothing."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs" / "extensions"))

from noon_costs import PRICES, lines_of, total  # noqa: E402 - found by the line above

BOOK = tomllib.loads(PRICES.read_text())


def test_a_month_is_added_up() -> None:
    """What is free comes off first, what has no price is left out of the sum and shown as open."""
    prices = {
        "calls": {"text": "Calls", "amount": 0.4, "unit": 1000, "free": 500, "source": "list"},
        "hours": {"text": "Hours", "unit": 1},
        "days": {"text": "Days", "amount": 2, "unit": 1, "source": "list"},
    }
    book = {"prices": prices, "months": {"one": {"quantities": {"calls": 3000, "hours": 7}}}}
    lines = lines_of(book, "one")
    assert [(line.text, line.cost) for line in lines] == [("Calls", 1.0), ("Hours", None)]
    assert total(lines) == pytest.approx(1.0)
    assert lines[0].price == "0.4 for 1,000, 500 free"


def test_a_price_has_a_source_with_a_date() -> None:
    """Or it has no amount, and the page leaves it open."""
    for name, price in BOOK["prices"].items():
        assert ("amount" in price) == ("source" in price), name
        assert price.get("source", "westus2") in BOOK["sources"], name
    assert all("read_on" in source for source in BOOK["sources"].values())


@pytest.mark.parametrize("month", BOOK["months"])
def test_quantities_name_prices(month: str) -> None:
    """A quantity whose price was renamed would vanish from the sum."""
    assert set(BOOK["months"][month]["quantities"]) <= set(BOOK["prices"])
    assert lines_of(BOOK, month)
