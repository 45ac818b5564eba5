"""Surveys: when they are asked, how they can be answered, and what arrives."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import MakeSite, acts, go, names, one, until, wait_for
from tests.scenarios.project import Project

NPS = {
    "name": "after an order", "kind": "nps", "question": "Would you recommend us?", "low": "never", "high": "gladly",
    "comment": "What is the reason?", "event": "Order Completed", "accent": "#ffd400",
}  # fmt: skip
CSAT = {"name": "shears", "kind": "csat", "question": "How do you like them?", "high": "much", "pages": "/shears.html"}
CES = {
    "name": "help", "kind": "ces", "question": "Was it easy?", "pages": "/app/*", "after_ms": 150, "every_days": 30,
}  # fmt: skip


def asking(make_site: MakeSite, shop: Project) -> Site:
    for survey in (NPS, CES):
        shop.save("surveys", survey)
    return make_site(surveys="")


def test_a_survey_is_asked_after_an_event_and_its_answer_is_a_touchpoint(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site, asked = asking(make_site, shop), []
    page.on("request", lambda request: asked.append(request.url))
    go(page, site.url)
    page.evaluate("document.querySelector('#plan').focus()")
    page.wait_for_timeout(300)
    assert not [url for url in asked if url.endswith("/wayfare.survey.js")], "loaded only when it is due"
    page.evaluate("wayfare.track('Order Completed')")
    dialog = page.get_by_role("dialog", name="Would you recommend us?")
    expect(dialog).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "plan", "the focus stays where it was"
    expect(page.get_by_role("status")).to_have_text("Would you recommend us?")
    assert dialog.get_by_role("radio").count() == 11
    assert dialog.get_by_role("textbox").count() == 0
    shown = "getComputedStyle(document.querySelector('wayfare-survey').shadowRoot.querySelector('.send'))"
    dialog.get_by_role("radio", name="0, never").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{shown}.backgroundColor + {shown}.color") == "rgb(255, 212, 0)rgb(0, 0, 0)"
    page.evaluate("document.querySelector('wayfare-survey').style.setProperty('--wf-accent', 'rgb(1, 2, 3)')")
    assert page.evaluate(f"{shown}.backgroundColor") == "rgb(1, 2, 3)"
    dialog.get_by_role("textbox", name="What is the reason?").fill("Sharp shears")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Thank you.")
    expect(page.get_by_role("dialog", name="Thank you.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "plan", "and comes back there"
    seen = wait_for(page, shop, "/", "Order Completed", "Survey Shown", "Survey Answered")
    answer = one(seen, "Survey Answered")
    assert answer["channel"] == "survey"
    assert answer["properties"] == {
        "survey": "after an order", "kind": "nps", "score": 9, "scale_min": 0, "scale_max": 10,
        "comment": "Sharp shears",
    }  # fmt: skip

    def path() -> list[str]:
        return [name for journey in shop.customer(answer["device"])["journeys"] for name in journey["path"]]

    until(page, lambda: len(path()) == 2)
    assert path() == ["direct", "survey"]

    # Not again, and no other one on the same day.
    page.evaluate("wayfare.track('Order Completed')")
    go(page, f"{site.url}/app/help")
    page.wait_for_timeout(500)
    assert page.locator("wayfare-survey").count() == 0


def test_a_survey_is_asked_on_a_page_after_a_time_and_may_be_closed_or_left_half_answered(
    context: BrowserContext, page: Page, make_site: MakeSite, shop: Project
) -> None:
    site = asking(make_site, shop)
    go(page, f"{site.url}/app/help")
    dialog = page.get_by_role("dialog", name="Was it easy?")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    until(page, lambda: "Survey Dismissed" in names(acts(shop)))
    shown_before = "['', 'help'].map((name) => [name, Date.now() - {} * 864e5])"
    for days, count in ((29, 0), (31, 1)):
        ago = shown_before.format(days)
        page.evaluate(f"localStorage['wayfare.surveys'] = JSON.stringify(Object.fromEntries({ago}))")
        go(page, f"{site.url}/app/help?2")
        page.wait_for_timeout(500)
        assert page.locator("wayfare-survey").count() == count, "every_days is 30"
    dialog.get_by_text("6", exact=True).click(force=True)
    go(page, site.url)
    page.wait_for_timeout(400)
    assert page.locator("wayfare-survey").count() == 0, "asked below /app/ alone"
    seen = wait_for(
        page, shop, "/app/help", "Survey Shown", "Survey Dismissed", "/app/help", "/app/help", "Survey Shown",
        "Survey Answered", "/",
    )  # fmt: skip
    assert one(seen, "Survey Answered")["properties"] == {
        "survey": "help", "kind": "ces", "score": 6, "scale_min": 1, "scale_max": 7,
    }  # fmt: skip


def test_a_survey_of_satisfaction_has_five_answers(page: Page, make_site: MakeSite, shop: Project) -> None:
    shop.save("surveys", CSAT)
    go(page, f"{make_site(surveys='').url}/shears.html")
    dialog = page.get_by_role("dialog", name="How do you like them?")
    expect(dialog.get_by_role("radio")).to_have_count(5)
    dialog.get_by_role("radio", name="5, much").check(force=True)
    dialog.get_by_role("button", name="Send").click()
    seen = wait_for(page, shop, "/shears.html", "Survey Shown", "Survey Answered")
    assert one(seen, "Survey Answered")["properties"] == {
        "survey": "shears", "kind": "csat", "score": 5, "scale_min": 1, "scale_max": 5,
    }  # fmt: skip
