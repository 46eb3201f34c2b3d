"""Predictions on the page: one row by a form, many by a file that is dropped.

They need a champion only, and run while the second version trains.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from noon.local.flights import easy_and_hard
from tests.webui.pages.conftest import PAGES, Visitors
from tests.webui.story import LAST

pytestmark = pytest.mark.timeout(900)

WATCHED = """
globalThis.seen = [];
new MutationObserver(() => {
  const shown = document.querySelector(".scoring progress");
  if (shown && shown.value !== seen.at(-1)) seen.push(shown.value);
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
"""Notes what a bar of progress shows, however short."""
DROPPED = """([name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name, { type: "text/csv" }));
  return dataTransfer;
}"""


def flights_csv(rows: int, bad: dict[int, tuple[str, str]]) -> str:
    """So many rows as a file; `bad` names values by the number of the row, counted from 1."""
    row = {**easy_and_hard(LAST)["hard"], "late": "true"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\n")
    writer.writeheader()
    for number in range(1, rows + 1):
        column, value = bad.get(number, ("late", "true"))
        writer.writerow(row | {column: value})
    return out.getvalue()


def drop(page: Page, name: str, text: str) -> None:
    """Drag a file over the page and let it go."""
    carried = page.evaluate_handle(DROPPED, [name, text])
    zone = page.locator(".drop")
    zone.dispatch_event("dragover", {"dataTransfer": carried})
    expect(zone).to_contain_class("over")
    zone.dispatch_event("drop", {"dataTransfer": carried})
    expect(zone).not_to_contain_class("over")


def choose(page: Page, name: str, text: str) -> None:
    """Choose a file in the browser's dialog."""
    file: Any = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    with page.expect_file_chooser() as chooser:
        page.get_by_text("choose one").click()
    chooser.value.set_files(file)


def test_one_row_is_predicted_by_a_form_of_the_schema(visitors: Visitors) -> None:
    """Kinds, categories and ranges are the schema's; the example row is answered with a
    probability, by a named deployment, and `why` knows the request."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        expect(page.get_by_label("Origin")).to_contain_text("JFK")
        expect(page.get_by_text(re.compile(r"^80 to \d+ in training$"))).to_be_visible()
        page.get_by_role("button", name="Example row").click()
        page.get_by_label("Distance, miles").fill("far")
        page.get_by_role("button", name="Predict", exact=True).click()
        expect(page.get_by_label("Distance, miles")).to_be_focused()
        expect(page.get_by_text("“far” is no number")).to_be_visible()
        page.get_by_label("Distance, miles").fill("733")
        page.keyboard.press("Enter")
        answer = page.get_by_label("Answer", exact=True)
        expect(answer).to_contain_text("% probability")
        expect(answer).to_contain_text(re.compile(r"v[12]-e1"))
        expect(answer).to_contain_text(re.compile(r"Took[\d.]+ m?s, to this page and back"))
        expect(answer.get_by_role("progressbar")).to_have_count(2)
        answer.get_by_role("link").click()
        last = page.locator(".chain li").last
        expect(last).to_contain_text(re.compile("answered with version [12]"))


def test_a_dropped_file_is_scored_in_chunks_and_saved(visitors: Visitors, tmp_path: Path) -> None:
    """Rows that do not fit are named by row and column; all others get their prediction."""
    bad = {7: ("distance_miles", "far"), 333: ("wind_mph", "calm")}
    with visitors.visit() as visit:
        visit.expected = "422"
        visit.page.add_init_script(WATCHED)
        page = visit.open(PAGES["predict"])
        drop(page, "march.csv", flights_csv(620, bad))
        expect(page.get_by_text("Done: 618 rows scored, 2 refused")).to_be_visible()
        shares = page.evaluate("seen")
        assert shares == sorted(shares)
        # 250 rows, 250 rows and the rest.
        assert [round(share * 620) for share in shares] == [0, 250, 500, 620]
        rows = page.get_by_role("table").get_by_role("row").all_inner_texts()
        assert [row.split("\t")[:2] for row in rows[1:]] == [
            ["7", "distance_miles"],
            ["333", "wind_mph"],
        ]
        with page.expect_download() as saving:
            page.get_by_role("button", name="Save as CSV").click()
        saved = tmp_path / saving.value.suggested_filename
        saving.value.save_as(saved)
    lines = list(csv.DictReader(io.StringIO(saved.read_text())))
    assert saved.name == "march.scored.csv"
    assert [number for number, line in enumerate(lines, 1) if line["refused"]] == [7, 333]
    scored = [line for line in lines if not line["refused"]]
    assert {line["prediction"] for line in scored} <= {"true", "false"}
    assert all(0 < float(line["probability_true"]) < 1 for line in scored)


def test_a_long_file_is_cancelled_and_what_is_scored_is_kept(visitors: Visitors) -> None:
    """Cancel ends it at once; the rows until then can be saved."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        choose(page, "year.csv", flights_csv(20_000, {}))
        expect(page.get_by_text(re.compile("Scoring: [1-9]"))).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Cancelled:")).to_be_visible()
        expect(page.get_by_role("button", name="Save as CSV")).to_be_visible()


def test_a_file_without_a_column_is_refused_by_its_name(visitors: Visitors) -> None:
    """Nothing is sent of a file that cannot be scored."""
    sent: list[str] = []
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        page.on("request", lambda request: sent.append(request.url))
        drop(page, "x.csv", "carrier\nUA\n")
        expect(page.get_by_role("alert")).to_contain_text("distance_miles")
    assert [url for url in sent if url.endswith("/predict")] == []
