"""The page of costs: what a month takes, times what Azure asks for it (docs/prices.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon_reference import Written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

PRICES = Path(__file__).resolve().parents[1] / "prices.toml"


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a month: how much of it, and what it costs, if that is known."""

    text: str
    quantity: float
    price: str
    cost: float | None


def lines_of(book: dict[str, Any], month: str) -> list[Line]:
    """Give a month item by item, in the order of the prices."""
    quantities = book["months"][month]["quantities"]
    return [
        Line(price["text"], quantities[name], _price(price), _cost(price, quantities[name]))
        for name, price in book["prices"].items()
        if name in quantities
    ]


def total(lines: list[Line]) -> float:
    """Give the sum of what has a price."""
    return sum(line.cost for line in lines if line.cost is not None)


def _cost(price: dict[str, Any], quantity: float) -> float | None:
    if "amount" not in price:
        return None if quantity else 0.0
    paid = max(0, quantity - price.get("free", 0))
    return float(paid / price["unit"] * price["amount"])


def _price(price: dict[str, Any]) -> str:
    if "amount" not in price:
        return "not sourced"
    per = f" for {price['unit']:,}" if price["unit"] != 1 else ""
    free = f", {price['free']:,} free" if "free" in price else ""
    return f"{price['amount']:f}".rstrip("0").rstrip(".") + per + free


class Costs(Written):
    """Each month as a table, then where the prices come from."""

    def lines(self) -> Iterator[str]:
        """Give the tables."""
        book = tomllib.loads(PRICES.read_text())
        for name, month in book["months"].items():
            lines = lines_of(book, name)
            yield from (f"**{name.capitalize()}**: {month['text']}.", "")
            yield from ("| item | in a month | price | cost |", "|---|---:|---:|---:|")
            for line in lines:
                cost = "?" if line.cost is None else f"{line.cost:,.2f}"
                yield f"| {line.text} | {line.quantity:,} | {line.price} | {cost} |"
            yield f"| **what has a price here** | | {book['currency']} | **{total(lines):,.2f}** |"
            yield ""
        yield from ("| prices of | from | read on |", "|---|---|---|")
        for key, source in book["sources"].items():
            of = [price["text"] for price in book["prices"].values() if price.get("source") == key]
            yield f"| {'; '.join(of)} | {source['text']} | {source['read_on']} |"
        yield ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("noon-costs", Costs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
