"""Sessions of one device: runs, cuts, passive events, and the fields of a session."""

from pipeline.domain.bounce import BOUNCES
from pipeline.domain.goals import compile_goals
from pipeline.domain.owners import order
from pipeline.domain.sessions import stitch
from schemas.definitions import Goal, Project, SessionOptions
from schemas.facts import Session
from tests.story import PROJECT, device, moment, story, user


def sessions(text: str, **options: object) -> list[Session]:
    project = Project(PROJECT, zone=str(options.pop("zone", "UTC")), sessions=SessionOptions(**options))  # type: ignore[arg-type]
    return stitch(sorted(story(text), key=order), project, {})


def spans(found: list[Session]) -> list[tuple[int, int, int]]:
    return [(session.started_at, session.last_at, session.events) for session in found]


def test_exactly_thirty_minutes_goes_on_and_a_millisecond_more_does_not() -> None:
    assert spans(
        sessions("""
        d 09:00 page /
        d 09:30 page /a
        d 10:00:00.001 page /b
    """)
    ) == [(moment("09:00"), moment("09:30"), 2), (moment("10:00:00.001"), moment("10:00:00.001"), 1)]


def test_a_passive_event_goes_on_in_a_run_and_never_begins_one() -> None:
    assert spans(
        sessions("""
        d 08:00 heartbeat
        d 09:00 page /
        d 09:29 heartbeat
        d 09:58 page /a
        d 10:40 heartbeat
        d 11:00 heartbeat
    """)
    ) == [(moment("09:00"), moment("09:58"), 3)]


def test_a_run_is_cut_every_24_hours_from_its_start_half_open_and_flagged() -> None:
    text = "\n".join(
        f"d +{minute // 1440} {minute % 1440 // 60:02}:{minute % 60:02} page /"
        for minute in range(0, 2 * 1440 + 30, 30)
    )
    found = sessions(text)
    assert [session.started_at for session in found] == [moment("00:00", day) for day in (0, 1, 2)]
    assert [session.is_cut for session in found] == [False, True, True]
    assert {session.run_started_at for session in found} == {moment("00:00")}


def test_a_passive_event_goes_on_across_the_cap() -> None:
    lines = [f"d +{minute // 1440} {minute % 1440 // 60:02}:{minute % 60:02} page /" for minute in range(0, 1440, 30)]
    found = sessions("\n".join([*lines, "d +1 00:00 heartbeat", "d +1 00:10 page /z"]))
    assert spans(found)[1] == (moment("00:00", 1), moment("00:10", 1), 2)


def test_a_change_of_owner_cuts() -> None:
    found = sessions("""
        d 09:00 login ann
        d 09:05 page /
        d 09:10 login bob
        d 09:11 page /b
    """)
    assert [(session.owner, session.events) for session in found] == [(user("ann"), 2), (user("bob"), 2)]
    assert found[1].run_started_at == found[0].started_at


def test_the_sender_can_ask_for_a_new_session() -> None:
    assert [
        session.events for session in sessions("d 09:00 page /\nd 09:01 page /a new_session=yes\nd 09:02 page /b")
    ] == [1, 2]


def test_midnight_cuts_in_the_projects_zone_by_option() -> None:
    text = "d 22:50 page /\nd 23:10 page /a"
    assert len(sessions(text)) == 1
    assert len(sessions(text, midnight=True)) == 1
    assert len(sessions(text, midnight=True, zone="Europe/Berlin")) == 2


def test_a_change_of_campaign_cuts_by_option_and_a_view_without_one_never_does() -> None:
    text = """
        d 09:00 page /
        d 09:01 page /a acquisition=paid_search utm_source=google click_id=gclid
        d 09:02 page /b
        d 09:03 page /c acquisition=paid_search utm_source=google click_id=gclid
        d 09:04 page /d acquisition=email utm_source=news
    """
    assert [session.events for session in sessions(text)] == [5]
    assert [session.events for session in sessions(text, campaign=True)] == [1, 3, 1]


def test_the_senders_own_sessions_take_the_gaps_place_however_they_interleave() -> None:
    found = sessions(
        """
        d 09:00 page /   sender_session=1
        d 09:01 page /x  sender_session=2
        d 10:00 page /a  sender_session=1
        d 10:01 heartbeat sender_session=3
    """,
        sender_sessions=True,
    )
    assert [(session.sender_session, session.events) for session in found] == [(1, 2), (2, 1), (3, 1)]


def test_a_contact_on_another_channel_is_no_part_of_a_session() -> None:
    assert [session.events for session in sessions("d 09:00 page /\nd 09:10 clicked mail\nd 09:35 page /a")] == [1, 1]


def test_a_session_knows_its_pages_its_campaign_and_what_was_done() -> None:
    (session,) = sessions("""
        d 09:00 track Opened
        d 09:01 page /home host=shop.example acquisition=email utm_source=news
        d 09:02 track Added path=/home
        d 09:03 page /cart host=shop.example
        d 09:04 heartbeat engaged=10000
        d 09:05 heartbeat engaged=5000
    """)
    assert (session.device, session.owner) == (device("d"), device("d"))
    assert (session.entry_host, session.entry_path, session.exit_path) == ("shop.example", "/home", "/cart")
    assert (session.events, session.views, session.interactions, session.engaged_ms) == (6, 2, 2, 15_000)
    assert (session.acquisition, session.ends_at - session.last_at) == ("direct", 30 * 60_000)


def test_the_campaign_of_entry_is_never_overwritten() -> None:
    (session,) = sessions(
        "d 09:00 page / acquisition=email utm_source=news\nd 09:01 page /a acquisition=direct utm_source=x"
    )
    assert (session.acquisition, session.utm_source) == ("email", "news")


def test_bounce_is_null_without_a_view() -> None:
    (viewless,) = sessions("d 09:00 track Opened")
    (glance,) = sessions("d 09:00 page /")
    assert {name: bounced(viewless) for name, bounced in BOUNCES.items()} == dict.fromkeys(BOUNCES)
    assert all(bounced(glance) for bounced in BOUNCES.values())


def test_what_a_session_is_worth_stays_within_64_bits_whatever_was_sent() -> None:
    most = (1 << 63) - 1
    events = story(f"d 09:00 track Bought value_micros={most}\nd 09:01 track Bought value_micros={most}")
    goals = compile_goals((Goal("bought", ("Bought",)), Goal("again", ("Bought",))), "EUR")
    (session,) = stitch(events, Project(PROJECT), {event.message_id: goals.hits(event) for event in events})
    assert (session.conversions, session.value_micros) == (4, most)
