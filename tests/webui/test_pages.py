"""What people do on the page, in a real browser, against a real stack.

The tests go on where the one before stopped: version 2 is a canary at its first step, which an
operator then pauses, resumes and aborts.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.testing import wait_until
from playwright.sync_api import Page, expect

from noon.local.flights import easy_and_hard
from tests.e2e.conftest import Product
from tests.webui.conftest import KEY, LAST, MODEL, ROOT, Visitors

pytestmark = pytest.mark.timeout(600)

PAGES = {
    "fleet": "/models",
    "model": f"/models/{MODEL}",
    "rollout": f"/rollout/{MODEL}",
    "runs": f"/runs/{MODEL}",
    "decisions": f"/decisions/{MODEL}",
    "why": f"/decisions/{MODEL}?why={MODEL}:1",
    "predict": f"/predict/{MODEL}",
}
AXE = ROOT / "webui/node_modules/axe-core/axe.min.js"
SHIFT_MAX = 0.02


def order(page: Page, button: str, because: str, key: str) -> None:
    """Give an order in the dialog behind a button."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill(because)
    dialog.get_by_label("Who").fill("Kim")
    dialog.get_by_label("Orders key").fill(key)
    dialog.get_by_role("button", name=button, exact=True).click()


def flights_csv(rows: int, bad: dict[int, tuple[str, str]]) -> bytes:
    """So many rows as a file; `bad` names values by the number of the row, counted from 1."""
    row = {**easy_and_hard(LAST)["hard"], "late": "true"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\n")
    writer.writeheader()
    for number in range(1, rows + 1):
        column, value = bad.get(number, ("late", "true"))
        writer.writerow(row | {column: value})
    return out.getvalue().encode()


def test_the_key_is_asked_for_once_and_stands_in_no_address(visitors: Visitors) -> None:
    """A wrong key is refused, the right one opens everything in this tab, until it is closed."""
    asked: list[str] = []
    with visitors.visit(keyed=False) as visit:
        visit.expected = "401"
        visit.page.on("request", lambda request: asked.append(request.url))
        page = visit.open("/")
        page.get_by_label("Key", exact=True).fill("not the key")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_text("The API refused the key")).to_be_visible()
        page.get_by_label("Key", exact=True).fill(visitors.key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=MODEL, exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("link", name=MODEL, exact=True)).to_be_visible()
        assert page.evaluate(f"sessionStorage.getItem('{KEY}')") == visitors.key
        assert page.evaluate("localStorage.length") == 0
        assert not [url for url in asked if visitors.key in url]
        page.get_by_role("button", name="Key", exact=True).click()
        page.get_by_role("button", name="Forget the key").click()
        expect(page.get_by_text("A function key is needed")).to_be_attached()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_model_shows_who_answers_and_what_the_gate_judged(
    visitors: Visitors, product: Product
) -> None:
    """From the fleet to one model: champion, metric over versions, reasons, lineage."""
    champion = product.model()["champion"]
    with visitors.visit() as visit:
        page = visit.open("/models")
        page.get_by_role("link", name=MODEL, exact=True).click()
        expect(page.get_by_text("Version 1", exact=True).first).to_be_visible()
        expect(page.get_by_text(f"{champion['value']:.4f}").first).to_be_visible()
        expect(page.get_by_text("v1-e1").first).to_be_visible()
        expect(page.locator(".chart canvas")).to_be_visible()
        entries = page.locator(".entry")
        expect(entries).to_have_count(2)
        expect(entries.first).to_contain_text("rolling out")
        expect(entries.last).to_contain_text("champion")
        entries.last.get_by_text("Numbers and lineage").click()
        expect(entries.last).to_contain_text(champion["job"])
        studio = entries.last.get_by_role("link", name="studio")
        expect(studio).to_have_attribute("href", re.compile(re.escape(champion["job"])))


def test_an_operator_pauses_resumes_and_aborts_a_rollout(
    visitors: Visitors, product: Product
) -> None:
    """Each order takes a reason, a name and a key of its own; the page follows by itself."""
    rollout_key = product.stack.app.rollout_key
    with visitors.visit() as visit:
        visit.expected = "401"
        page = visit.open(PAGES["rollout"])
        expect(page.locator(".present .badge").first).to_have_text("canary")
        expect(page.locator(".steps .present")).to_contain_text("10 %")
        expect(page.locator(".share.new")).to_contain_text("v2-e1")
        order(page, "Pause", "a holiday", visitors.key)
        expect(page.get_by_text("The orders key was refused")).to_be_visible()
        page.get_by_label("Orders key").fill(rollout_key)
        page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Pause is ordered")).to_be_visible()
        expect(page.locator(".present .badge").nth(1)).to_have_text("paused")
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_disabled()
        assert product.model()["rollout"]["paused"]
        order(page, "Resume", "back again", rollout_key)
        expect(page.locator(".present .badge")).to_have_count(1)
        order(page, "Abort", "wrong calendar", rollout_key)
        expect(page.locator(".present .badge").first).to_have_text("aborted")
        expect(page.locator(".log").get_by_text("wrong calendar").first).to_be_visible()
        stored = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        assert rollout_key not in stored
        page.get_by_role("status").get_by_role("link").click()
        expect(page.locator(".chain")).to_contain_text("wrong calendar")
    assert product.traffic() == {"v1-e1": 100}


def test_runs_show_slots_landings_and_jobs_on_a_line_of_time(
    visitors: Visitors, product: Product
) -> None:
    """The slot that trained version 2 is there, the landings before it, and both jobs."""
    jobs = {name for name in product.jobs() if name.startswith(f"{MODEL}-")}
    with visitors.visit() as visit:
        page = visit.open(PAGES["runs"])
        for job in jobs:
            expect(page.get_by_role("link", name=job)).to_be_visible()
        expect(page.locator(".sun.trained, .sun.caught_up")).to_have_count(1)
        expect(page.locator("rect.job")).to_have_count(len(jobs))
        assert page.locator("path.landing").count() >= 1
        page.get_by_label("hour").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_label("day", exact=True)).to_be_checked()
        expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("last day"))
        link = page.get_by_role("link", name="studio").first
        expect(link).to_have_attribute("href", re.compile("^https://.*flights-"))


def test_decisions_are_filtered_and_any_id_is_explained(visitors: Visitors) -> None:
    """The log by kind and words; a version's chain as a picture and in words."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["decisions"])
        page.get_by_label("Kind").select_option("acted")
        expect(page).to_have_url(re.compile("kind=acted"))
        expect(page.locator(".log .badge").first).to_have_text("acted")
        assert set(page.locator(".log .badge").all_inner_texts()) == {"acted"}
        page.get_by_label("Words in reasons").fill("wrong calendar")
        expect(page.locator(".log li")).to_have_count(1)
        page.get_by_label("Words in reasons").fill("no such word")
        expect(page.get_by_text("Nothing fits")).to_be_visible()
        page.get_by_label("Id", exact=True).fill(f"{MODEL}:1")
        page.keyboard.press("Enter")
        picture = page.get_by_role("img")
        expect(picture).to_have_attribute("aria-label", re.compile("landed.*Verdict.*Traffic"))
        expect(page.locator(".chain")).to_contain_text("it becomes version 1")
        page.locator(".stop", has_text="Verdict").click()
        expect(page.locator(".chain li:focus")).to_contain_text("promote")
        page.get_by_label("Id", exact=True).fill("flights-slot-29990101t0000-a1")
        visit.expected = "404"
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("nothing is known")
        page.go_back()
        expect(page.locator(".chain")).to_contain_text("it becomes version 1")


def test_one_row_is_predicted_by_a_form_of_the_schema(visitors: Visitors) -> None:
    """The example row is answered with a probability, by a named deployment; `why` knows it."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        expect(page.get_by_label("Origin")).to_contain_text("JFK")
        page.get_by_role("button", name="Example row").click()
        page.get_by_label("Distance, miles").fill("far")
        page.get_by_role("button", name="Predict", exact=True).click()
        expect(page.get_by_label("Distance, miles")).to_be_focused()
        expect(page.get_by_text("“far” is no number")).to_be_visible()
        page.get_by_label("Distance, miles").fill("733")
        page.keyboard.press("Enter")
        answer = page.get_by_label("Answer", exact=True)
        expect(answer).to_contain_text("% probability")
        expect(answer).to_contain_text("v1-e1")
        expect(answer.get_by_role("progressbar")).to_have_count(2)
        answer.get_by_role("link").click()
        expect(page.locator(".chain li").last).to_contain_text("answered with version 1")


def test_a_file_is_scored_in_chunks_and_saved(visitors: Visitors, tmp_path: Path) -> None:
    """Rows that do not fit are named by row and column; all others get their prediction."""
    bad = {7: ("distance_miles", "far"), 333: ("wind_mph", "calm")}
    content = flights_csv(620, bad)
    with visitors.visit() as visit:
        visit.expected = "422"
        page = visit.open(PAGES["predict"])
        file: Any = {"name": "march.csv", "mimeType": "text/csv", "buffer": content}
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_text("Done: 618 rows scored, 2 refused")).to_be_visible()
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
    assert {line["prediction"] for line in lines} == {"", "true", "false"} - (
        {"false"} if all(line["prediction"] != "false" for line in lines) else {"true"}
    )
    assert all(0 < float(line["probability_true"]) < 1 for line in lines if not line["refused"])


def test_a_long_file_is_cancelled_and_what_is_scored_is_kept(visitors: Visitors) -> None:
    """Cancel ends it at once; the rows until then can be saved."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        content = flights_csv(20_000, {})
        file: Any = {"name": "year.csv", "mimeType": "text/csv", "buffer": content}
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_text(re.compile("Scoring: [1-9]"))).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Cancelled:")).to_be_visible()
        expect(page.get_by_role("button", name="Save as CSV")).to_be_visible()


def test_a_file_without_a_column_is_refused_by_its_name(visitors: Visitors) -> None:
    """Nothing is sent of a file that cannot be scored."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["predict"])
        file: Any = {"name": "x.csv", "mimeType": "text/csv", "buffer": b"carrier\nUA\n"}
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_role("alert")).to_contain_text("distance_miles")


def test_what_was_read_stays_while_nobody_answers(visitors: Visitors) -> None:
    """Offline the page says so and keeps what it knows; it is well again by itself."""
    with visitors.visit() as visit:
        visit.expected = "ERR_INTERNET_DISCONNECTED"
        page = visit.open(PAGES["rollout"])
        expect(page.get_by_role("button", name=re.compile("Read .* ago"))).to_be_visible()
        page.context.set_offline(True)
        expect(page.get_by_text("The API cannot be reached")).to_be_visible()
        expect(page.locator(".present")).to_contain_text("v2-e1")
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("The API cannot be reached")).to_have_count(0)


def test_what_has_not_changed_is_not_sent_again(visitors: Visitors) -> None:
    """The browser asks with the ETag that it has, also across origins: 304, no body."""
    answers: list[int] = []
    with visitors.visit() as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("Network.enable")
        session.on(
            "Network.responseReceivedExtraInfo",
            lambda event: answers.append(event["statusCode"]),
        )
        page = visit.open(PAGES["model"])
        visit.settled()
        for _ in range(3):
            with page.expect_response(re.compile(f"/api/models/{MODEL}$")):
                page.get_by_role("button", name=re.compile("Read .* ago")).click()
        wait_until(lambda: 304 in answers, timeout_seconds=10, what="a 304")


def test_everything_is_reached_by_keyboard(visitors: Visitors) -> None:
    """Skip link, pages, a dialog and back, with Tab, Enter and Escape alone."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["model"])
        visit.settled()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        tabs_until(page, "Rollout")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Rollout", level=1)).to_be_focused()
        visit.settled()
        tabs_until(page, "Train")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Why")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Train")).to_be_focused()
        page.go_back()
        expect(page.get_by_role("heading", name=MODEL, level=1)).to_be_visible()


def tabs_until(page: Page, text: str, most: int = 40) -> None:
    """Press Tab until the element with this text has the focus; each one on the way shows it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and focused.inner_text().strip() == text:
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {text}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_open_to_everybody(visitors: Visitors, theme: str) -> None:
    """axe finds nothing serious, nothing moves while loading, in both themes."""
    found: dict[str, Any] = {}
    with visitors.visit(color_scheme=theme, bypass_csp=True) as visit:
        for name, path in PAGES.items():
            page = visit.open(path)
            visit.settled()
            page.add_script_tag(path=str(AXE))
            violations = page.evaluate("axe.run().then(({violations}) => violations)")
            found |= {
                f"{name}: {each['id']}": [node["html"] for node in each["nodes"]]
                for each in violations
                if each["impact"] in ("serious", "critical")
            }
    assert found == {}


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_pages_fit_their_window_and_do_not_move(visitors: Visitors, width: int) -> None:
    """Nobody scrolls sideways, and nothing moves under the reader while it loads."""
    with visitors.visit(viewport={"width": width, "height": 800}) as visit:
        found = {}
        for name, path in PAGES.items():
            page = visit.open(path)
            visit.settled()
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth")
            shift = page.evaluate("layoutShift()")
            found[name] = {"wide": wide, "shift": round(shift, 4)}
    wrong = {
        name: each
        for name, each in found.items()
        if each["wide"] > width or each["shift"] > SHIFT_MAX
    }
    assert wrong == {}, json.dumps(found)


def test_the_theme_is_chosen_and_kept(visitors: Visitors) -> None:
    """The system's theme, until somebody chooses the other one; a reload does not flash."""
    with visitors.visit(color_scheme="light") as visit:
        page = visit.open("/models")
        background = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(background)
        page.get_by_role("button", name="Show the dark theme").click()
        dark = page.evaluate(background)
        page.reload(wait_until="commit")
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        assert light != dark
        assert page.evaluate(background) == dark


def test_an_order_to_train_leads_to_a_job(visitors: Visitors, product: Product) -> None:
    """Train is opened by its own key; the order and its job are found again."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["rollout"])
        order(page, "Train", "the test wants another one", product.stack.app.orders_key)
        expect(page.get_by_text("Train is ordered")).to_be_visible()
        product.wait(MODEL, lambda model: model["training"] is not None)
        page.get_by_role("link", name="Runs").click()
        expect(page.get_by_text("the test wants another one").first).to_be_visible()
        expect(page.locator(".entry .badge").first).to_have_text("running")
