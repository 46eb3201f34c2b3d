"""What operators do on the page, in a real browser, against a real stack.

The tests go on where the one before stopped: version 2 is a canary at its first step, which an
operator pauses, resumes and aborts; then version 3 is ordered, and rolled back as a canary.
"""

from __future__ import annotations

import re

import pytest
from azure_emulator.testing import wait_until
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Product
from tests.webui.pages.conftest import KEY, PAGES, PATIENCE_SECONDS, Visitors
from tests.webui.story import MODEL, STORY_SECONDS_MAX, canary_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("canary")]

OLDER_MAX = 20
"""The canary is checked every second: what was ordered before is soon some pages back."""


def order(page: Page, button: str, because: str, key: str) -> None:
    """Give an order in the dialog behind a button."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill(because)
    dialog.get_by_label("Who").fill("Kim")
    dialog.get_by_label("Orders key").fill(key)
    dialog.get_by_role("button", name=button, exact=True).click()


def test_the_command_line_says_where_the_page_is(product: Product) -> None:
    """`noon status` ends with the address of the local stack's page."""
    last = product.stack.noon("status").splitlines()[-1]
    assert last == f"Web UI  {product.stack.addresses.webui}"


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
        assert any("/api/models" in url for url in asked)
        assert not [url for url in asked if visitors.key in url]
        other = page.context.new_page()
        other.goto(visitors.base)
        expect(other.get_by_label("Key", exact=True)).to_be_visible()
        other.close()
        page.get_by_role("button", name="Key", exact=True).click()
        page.get_by_role("button", name="Forget the key").click()
        expect(page.get_by_text("A function key is needed")).to_be_attached()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_model_shows_who_answers_and_what_the_gate_judged(
    visitors: Visitors, product: Product
) -> None:
    """From the fleet to one model: champion, metric over versions, reasons, lineage; what was
    refused stands there too."""
    champion = product.model()["champion"]
    with visitors.visit() as visit:
        page = visit.open("/models")
        page.get_by_role("link", name=MODEL, exact=True).click()
        expect(page.get_by_text("Version 1", exact=True).first).to_be_visible()
        expect(page.get_by_text(f"{champion['score']['value']:.4f}").first).to_be_visible()
        expect(page.get_by_text(champion["deployment"]).first).to_be_visible()
        entries = page.locator(".entry")
        expect(entries).to_have_count(3)
        chart = page.locator(".chart")
        expect(chart).to_have_attribute("aria-label", re.compile("ROC AUC of 3 judged challengers"))
        expect(chart.locator("canvas")).to_be_visible()
        expect(entries.filter(has_text="rolling out")).to_contain_text("Version 2")
        expect(entries.filter(has_text="refused")).to_contain_text("No version")
        first = entries.last
        expect(first).to_contain_text("champion")
        first.get_by_text("Numbers and lineage").click()
        expect(first).to_contain_text(champion["job"])
        studio = first.get_by_role("link", name="studio")
        expect(studio).to_have_attribute("href", re.compile(re.escape(champion["job"])))


def test_an_operator_pauses_resumes_and_aborts_a_rollout(
    visitors: Visitors, product: Product
) -> None:
    """Each order takes a reason, a name and a key of its own; the page follows by itself."""
    rollout_key = product.stack.app.rollout_key
    with visitors.visit() as visit:
        visit.expected = "401"
        page = visit.open(PAGES["rollout"])
        badges = page.locator("section.present .badge")
        expect(badges).to_have_text(["canary"])
        expect(page.locator(".steps .present")).to_contain_text("10 %")
        expect(page.locator(".share.new")).to_contain_text("v2-e1")
        order(page, "Pause", "a holiday", visitors.key)
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("The orders key was refused")).to_be_visible()
        dialog.get_by_label("Orders key").fill(rollout_key)
        dialog.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_text("Pause is ordered")).to_be_visible()
        expect(badges).to_have_text(["canary", "paused"])
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_disabled()
        assert product.model()["rollout"]["paused"]
        order(page, "Resume", "back again", rollout_key)
        expect(badges).to_have_text(["canary"])
        order(page, "Abort", "wrong calendar", rollout_key)
        expect(badges).to_have_text(["aborted"])
        expect(page.locator(".log").get_by_text("wrong calendar").first).to_be_visible()
        stored = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        assert rollout_key not in stored
        page.get_by_role("status").get_by_role("link").click()
        expect(page.locator(".chain")).to_contain_text("wrong calendar")
    wait_until(
        lambda: product.traffic() == {"v1-e1": 100},
        timeout_seconds=PATIENCE_SECONDS,
        what="all traffic for the champion",
    )


def test_orders_to_accept_and_to_train_lead_to_a_job(visitors: Visitors, product: Product) -> None:
    """Train is opened by its own key; the order and its job are found among the runs."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["rollout"])
        order(page, "Accept", "it must come", product.stack.app.rollout_key)
        expect(page.get_by_text("Accept is ordered")).to_be_visible()
        order(page, "Train", "the test wants another one", product.stack.app.orders_key)
        expect(page.get_by_text("Train is ordered")).to_be_visible()
        page.get_by_role("link", name="Runs").click()
        job = page.locator(".entry", has_text="the test wants another one")
        expect(job).to_be_visible()
        expect(job.locator(".badge").first).to_have_text(re.compile("running|completed"))


def test_runs_show_slots_landings_and_jobs_on_a_line_of_time(
    visitors: Visitors, product: Product
) -> None:
    """The slot of today is there, the landings before it, and every job with its cause."""
    jobs = {name for name in product.jobs() if name.startswith(f"{MODEL}-")}
    with visitors.visit() as visit:
        page = visit.open(PAGES["runs"])
        for job in jobs:
            expect(page.get_by_role("link", name=job)).to_be_visible()
        expect(page.locator(".sun.trained, .sun.caught_up")).to_have_count(1)
        expect(page.locator("rect.job")).to_have_count(len(jobs))
        assert page.locator("path.landing").count() >= 1
        for cause in ("data", "slot", "order"):
            expect(page.locator(".entry p", has_text=cause).first).to_be_visible()
        page.get_by_role("radio", name="hour").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio", name="day")).to_be_checked()
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
        page.get_by_label("Words in reasons").fill("a holiday")
        entry = page.locator(".log li", has_text="Kim: a holiday")
        for _ in range(OLDER_MAX):
            if entry.count():
                break
            page.get_by_role("button", name="Older ones").click()
        expect(entry).to_have_count(1)
        page.get_by_label("Words in reasons").fill("no such word")
        expect(page.get_by_text("Nothing fits")).to_be_visible()
        page.get_by_label("Id", exact=True).fill(f"{MODEL}:1")
        page.keyboard.press("Enter")
        picture = page.get_by_role("img")
        expect(picture).to_have_attribute("aria-label", re.compile("Landed.*Verdict.*Traffic"))
        expect(page.locator(".chain")).to_contain_text("it becomes version 1")
        page.locator(".stop", has_text="Verdict").first.get_by_text("Verdict").click()
        expect(page.locator(".chain li:focus")).to_contain_text("promote")
        page.get_by_label("Id", exact=True).fill("flights-slot-29990101t0000-a1")
        visit.expected = "404"
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("nothing is known")
        page.go_back()
        expect(page.locator(".chain")).to_contain_text("it becomes version 1")


def test_what_was_read_stays_while_nobody_answers(visitors: Visitors) -> None:
    """Offline the page says so and keeps what it knows; it is well again when it is asked."""
    with visitors.visit() as visit:
        visit.expected = "ERR_INTERNET_DISCONNECTED"
        page = visit.open(PAGES["rollout"])
        expect(page.get_by_role("button", name=re.compile("Read .* ago"))).to_be_visible()
        page.context.set_offline(True)
        expect(page.get_by_text("The API cannot be reached")).to_be_visible()
        expect(page.get_by_role("button", name="Not up to date")).to_be_visible()
        expect(page.locator("section.present")).to_contain_text(re.compile("v[23]-e1"))
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
        page = visit.open(f"/models/{MODEL}")
        visit.settled()
        for _ in range(2):
            # The versions change rarely; they are read with the model.
            with page.expect_response(re.compile(f"/api/models/{MODEL}/versions$")):
                page.reload()
        visit.settled()
    assert 304 in answers


def test_a_rollout_is_rolled_back(visitors: Visitors, product: Product) -> None:
    """The page of a rollout follows the new version by itself; going back takes the same words."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["rollout"])
        product.wait(MODEL, canary_of(3), STORY_SECONDS_MAX)
        badges = page.locator("section.present .badge")
        expect(badges).to_have_text(["canary"])
        expect(page.locator(".share.new")).to_contain_text("v3-e1")
        order(page, "Roll back", "callers complain", product.stack.app.rollout_key)
        expect(badges).to_have_text(["rolled back"])
        expect(page.locator(".log").get_by_text("callers complain").first).to_be_visible()
    wait_until(
        lambda: product.traffic() == {"v1-e1": 100},
        timeout_seconds=PATIENCE_SECONDS,
        what="all traffic for the champion",
    )
