"""Where a session stopped on a page."""

from pipeline.domain.drop_points import Did, Left, stop
from tests.story import story


def test_the_furthest_scroll_counts_whoever_tells_it() -> None:
    assert stop(story("a  09:00  page /x")).scroll is None
    told = stop(
        story("""
        a  09:00  track page_leave is_passive=yes scroll_percent=40
        a  09:01  track page_leave is_passive=yes scroll_percent=75
        a  09:02  track scroll is_passive=yes percent_scrolled=50
        a  09:03  track pageleave is_passive=yes scroll_depth=10
        """)
    )
    assert (told.scroll, told.scroll_event and told.scroll_event.occurred_at % 3_600_000) == (75, 60_000)
    assert stop(story("a  09:00  track page_leave scroll_percent=170")).scroll == 100
    assert stop(story("a  09:00  track page_leave scroll_percent=deep")).scroll is None


def test_the_last_act_is_the_last_that_is_neither_passive_nor_a_view_nor_an_abandoned_form() -> None:
    told = stop(
        story("""
        a  09:00  page /x
        a  09:01  track Clicked element=button#buy form=order
        a  09:02  heartbeat
        a  09:03  track Abandoned
        a  09:04  page /x
        """)
    )
    assert told.did == Did("Abandoned", None)
    assert stop(story("a  09:01  track Clicked element=button#buy form=order")).did == Did("Clicked", "button#buy")
    (loaded,) = story("a  09:01  track Loaded")
    loaded.properties = '{"url": "https://a.example/b.pdf"}'
    assert stop([loaded]).did == Did("Loaded", "https://a.example/b.pdf")
    assert stop(story("a  09:00  page /x")).did is None


def test_a_form_is_left_at_the_field_touched_last() -> None:
    first, second = story("""
        a  09:00  track Form form=order last_field=email
        a  09:01  track Form form=order last_field=phone
    """)
    first.event = second.event = "Form Abandoned"
    told = stop([first, second])
    assert (told.left, told.left_event) == (Left("order", "phone"), second)
    assert told.did is None
    second.properties = "{}"
    assert stop([second]).left == Left(None, None)
