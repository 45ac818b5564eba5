"""What the page shows, and how it is used by pointer, by keyboard and on a phone."""

import re
import time
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, Open
from tests.browser.visits import visit, visits
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

LONG = "A name of an event that somebody made far too long for any screen " * 3


def is_scrolling_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_an_empty_project_shows_how_to_send_a_first_event(look: Open) -> None:
    page = look()
    expect(page.locator("#welcome")).to_contain_text("Nothing has arrived yet")
    expect(page.locator("#welcome pre")).to_contain_text("/v1/track")
    expect(page.locator("#figure-sessions")).to_have_text("0")
    expect(page.locator("#feed-body")).to_contain_text("Nothing arrived in the last 24 hours.")
    expect(page.locator("#journeys-body")).to_contain_text("No journey began in this range.")


def test_sessions_and_bounce_are_shown(look: Open, shop: Project) -> None:
    shop.deliver(visits())
    page = look()
    expect(page.locator("#figure-sessions")).to_have_text("3")
    expect(page.locator("#figure-customers")).to_have_text("3")
    expect(page.locator("#figure-bounce")).to_have_text(re.compile(r"^33\.3\s%$"))
    expect(page.locator("#welcome")).to_be_hidden()


def test_another_definition_of_bounce_can_be_chosen_and_the_number_is_that_of_the_api(
    look: Open, shop: Project
) -> None:
    shop.deliver([*visits(), *visit("dan", "/", "Clicked", minutes_ago=6)])
    page = look()
    expect(page.locator("#figure-bounce")).to_have_text(re.compile(r"^50\.0\s%$"))
    page.get_by_label("Bounced:").select_option(label="Single page")
    told = shop.ask("bounce", definition="single_page", last="24h")["total"]
    assert told["rate"] == 0.25
    expect(page.locator("#figure-bounce")).to_have_text(re.compile(rf"^{told['rate'] * 100:.1f}\s%$"))
    expect(page.locator("#definition-note")).to_have_text("one view and no interaction (version 1)")
    assert "bounce=single_page" in page.url


def test_without_a_saved_funnel_the_most_frequent_events_make_one(look: Open, shop: Project) -> None:
    shop.deliver(visits())
    page = look()
    expect(page.locator("#funnel .step-name")).to_have_text(["Page", "Product Viewed", "Ordered"])
    expect(page.locator("#funnel .step-count")).to_have_text(["3", "2", "1"])
    expect(page.locator("#funnel .drop").nth(1)).to_contain_text("1 left")


def test_the_most_frequent_events_of_all_time_make_one_however_old_they_are(look: Open, shop: Project) -> None:
    shop.deliver(visit("ann", "/", "Product Viewed", "Ordered", minutes_ago=60 * 24 * 400))
    page = look(range="all")
    expect(page.locator("#funnel .step-name")).to_have_count(3)


def test_a_saved_funnel_comes_first_and_another_can_be_chosen(look: Open, shop: Project) -> None:
    steps = [{"events": ["Product Viewed"], "label": "Looked"}, {"events": ["Ordered"], "label": "Bought"}]
    shop.save("funnels", {"name": "buying", "steps": steps})
    shop.deliver(visits())
    page = look()
    expect(page.locator("#funnel .step-name")).to_have_text(["Looked", "Bought"])
    expect(page.locator("#funnel .summary")).to_contain_text("1 of 2 customers")
    page.get_by_label("Which funnel").select_option(label="Most frequent events")
    expect(page.locator("#funnel .step-name")).to_have_text(["Page", "Product Viewed", "Ordered"])


def test_a_journey_shows_its_way_and_opens_its_customer(look: Open, shop: Project) -> None:
    shop.save("goals", {"name": "order", "events": ["Ordered"], "value": 20.0})
    shop.deliver(visit("bob", "/", referrer="https://www.google.com/", user="bob-3", minutes_ago=120))
    shop.deliver(visit("bob", "/", "Ordered", user="bob-3"))
    page = look()
    row = page.locator("#journeys tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator(".chips li")).to_have_text(["Organic search", "Direct"])
    expect(row).to_contain_text("€20.00")
    expect(row).to_contain_text("converted")
    row.get_by_role("link").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", level=2)).to_have_text("bob-3")
    expect(sheet.locator(".visits > li")).to_have_count(2)
    expect(sheet.locator(".visits")).to_contain_text("Ordered")


def test_the_journeys_that_converted_can_be_shown_alone(look: Open, shop: Project) -> None:
    shop.save("goals", {"name": "order", "events": ["Ordered"], "value": 20.0})
    shop.deliver(visits())
    page = look()
    expect(page.locator("#journeys tbody tr")).to_have_count(3)
    expect(page.locator("#journeys-note")).to_contain_text("3 journeys, 1 converted")
    page.locator("#journeys").get_by_role("radio", name="Converted").check()
    expect(page.locator("#journeys tbody tr")).to_have_count(1)
    expect(page.locator("#journeys tbody .chips .goal")).to_have_text(["Direct"])


def test_an_event_of_the_feed_opens_its_customer(look: Open, shop: Project) -> None:
    shop.deliver(visit("cleo", "Ordered", user="cleo-7"))
    page = look()
    page.locator("#feed li a").click()
    expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("cleo-7")


def test_an_older_range_is_offered_where_the_chosen_one_is_empty(look: Open, shop: Project) -> None:
    shop.deliver(visit("ann", "/", minutes_ago=60 * 24 * 400))
    page = look()
    expect(page.locator("#welcome")).to_contain_text("No session in this range")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#figure-sessions")).to_have_text("1")
    expect(page.get_by_role("radio", name="All").first).to_be_checked()


def test_the_chart_has_a_column_for_every_period(look: Open, shop: Project) -> None:
    shop.deliver(visits())
    page = look()
    for range_, columns in (("24 hours", 24), ("7 days", 7), ("30 days", 30)):
        page.get_by_role("radio", name=range_).check()
        expect(page.locator(".columns > div")).to_have_count(columns)
        now, period = time.time(), 3600 if columns == 24 else 86_400
        if (now - 5 * 60) // period != now // period:  # they came in the period before
            page.get_by_role("slider").press("ArrowLeft")
        expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("3 sessions, 1 bounced"))


def test_what_is_looked_at_stands_in_the_address(look: Open, page: Page, shop: Project) -> None:
    shop.deliver(visits())
    look()
    page.get_by_role("radio", name="7 days").check()
    expect(page).to_have_url(re.compile("range=7d"))
    page.reload()
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="24 hours")).to_be_checked()


def test_another_project_can_be_looked_at(look: Open, page: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    other = embedded.project()
    other.deliver(visit("ann", "Elsewhere"))
    shop.deliver(visit("ann", "Here"))
    look()
    expect(page.locator("#feed li strong")).to_have_text(["Here"])
    page.get_by_label("Project").select_option(other.name)
    expect(page.locator("#feed li strong")).to_have_text(["Elsewhere"])


def test_the_keyboard_reaches_a_customer_and_comes_back(look: Open, shop: Project) -> None:
    shop.deliver(visit("cleo", "/", user="cleo-7"))
    page = look()
    link = page.locator("#journeys tbody a")
    expect(link).to_have_count(1)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("cleo-7")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()
    assert "customer=" not in page.url


def test_a_customer_opened_later_does_not_change_what_is_looked_at(look: Open, shop: Project) -> None:
    shop.deliver(visit("cleo", "Ordered", user="cleo-7"))
    page = look()
    row = page.locator("#feed li a")
    expect(row).to_have_count(1)
    page.get_by_role("radio", name="7 days").check()
    expect(page).to_have_url(re.compile("range=7d"))
    row.click()
    expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("cleo-7")
    assert "range=7d" in page.url


def test_the_skip_link_leads_to_the_figures(look: Open) -> None:
    page = look()
    address = page.url
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the figures")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#figures")).to_be_focused()
    assert page.url == address


def test_a_question_that_fails_is_told_where_its_answer_would_stand(
    look: Open, page: Page, shop: Project, complaints: Complaints
) -> None:
    shop.deliver(visits())
    told = {"error": {"code": "store_unavailable", "message": "cannot be answered now", "request_id": "r"}}
    for name in ("funnel", "sessions"):
        page.route(f"**/questions/{name}", lambda route: route.fulfill(status=503, json=told))
    look()
    expect(page.locator("#funnel .failed")).to_contain_text("Cannot be answered now.")
    expect(page.locator("#figures-problem")).to_contain_text("Cannot be answered now.")
    expect(page.locator("#journeys tbody tr")).to_have_count(3)
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#funnel .step")).to_have_count(3)
    expect(page.locator("#figure-sessions")).to_have_text("3")
    expect(page.locator("#figures-problem")).to_be_hidden()
    assert all("503" in each for each in complaints)  # the browser tells of every failed request
    complaints.clear()


def test_the_chart_is_read_by_arrow_keys(look: Open, shop: Project) -> None:
    shop.deliver(visits())
    page = look(range="7d")
    chart = page.get_by_role("slider")
    expect(page.locator("#figure-sessions")).to_have_text("3")
    expect(chart).to_have_attribute("aria-valuenow", "6")
    chart.press("End")
    if datetime.now(UTC).hour == 0 and datetime.now(UTC).minute < 8:
        chart.press("ArrowLeft")  # the visits began before midnight
    expect(chart).to_have_attribute("aria-valuetext", re.compile("3 sessions"))
    expect(page.locator(".bubble")).to_contain_text("3 sessions, 1 bounced")
    chart.press("ArrowLeft")
    expect(page.locator(".bubble")).to_contain_text("0 sessions")


def test_nothing_makes_the_page_scroll_sideways(look: Open, page: Page, shop: Project) -> None:
    shop.save("funnels", {"name": "Long", "steps": [{"events": [LONG]}, {"events": ["Ordered"], "label": "W" * 150}]})
    shop.deliver([*visits(), *visit("x" * 200, LONG, "/" + "deep/" * 60, minutes_ago=0, user="u" * 150)])
    shop.deliver([{"type": "track", "anonymousId": "y" * 300}])
    shop.house.drained()  # rows that are still being put together move under the hand
    look()
    for width in (360, 768, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator("#figure-sessions")).to_have_text("4")
        expect(page.locator("#feed li.reject")).to_have_count(1)
        expect(page.locator("#funnel .step")).to_have_count(2)
        expect(page.locator("#journeys tbody tr")).to_have_count(4)
        assert not is_scrolling_sideways(page), width
        page.locator("#journeys tbody a").first.click()
        expect(page.get_by_role("dialog").locator(".visits > li").first).to_be_visible()
        assert not is_scrolling_sideways(page), width
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_wants_less_motion_sees_none(look: Open, page: Page) -> None:
    look()
    moving = "document.getAnimations().filter(each => each.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0


def test_text_stands_out_from_its_ground(look: Open, page: Page, shop: Project) -> None:
    """Contrast of at least 4.5 : 1 (WCAG AA) for every text that is shown, in both schemes."""
    shop.deliver([*visits(), {"type": "track", "anonymousId": "ann"}])
    look()
    expect(page.locator("#feed li.reject")).to_have_count(1)
    expect(page.locator("#funnel .step")).to_have_count(3)
    expect(page.locator("#journeys tbody tr")).to_have_count(3)
    page.emulate_media(color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(FAINT) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert page.evaluate(FAINT) == []


FAINT = """() => {
  const light = (colour) => {
    const part = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((each) => part(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parsed = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return { colour: numbers.slice(0, 3).map((each) => each * scale), alpha: numbers[3] ?? 1 };
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const { colour, alpha } = parsed(getComputedStyle(at).backgroundColor);
      if (alpha > 0.8) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest("option, noscript, script")) continue;
    const a = light(parsed(getComputedStyle(node).color).colour), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""
