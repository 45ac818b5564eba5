"""Who owns an event on its device."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.owners import order, owners, ownerships
from schemas.facts import FOREVER, FOREVER_AGO, EventRow
from tests.story import device, email, moment, story, user


def owner_names(text: str) -> list[int]:
    events = sorted(story(text), key=order)
    return owners(events)


def test_an_anonymous_past_joins_the_first_person_known_on_the_device() -> None:
    assert (
        owner_names("""
        phone 09:00 page /
        phone 09:01 login ann
        phone 09:02 page /a
    """)
        == [user("ann")] * 3
    )


def test_a_later_person_has_the_device_from_then_on_and_the_earlier_past_stays() -> None:
    assert (
        owner_names("""
        tablet 09:00 page /
        tablet 09:01 login ann
        tablet 09:02 page /a
        tablet 09:03 login bob
        tablet 09:04 page /b
        tablet 09:05 login ann
        tablet 09:06 page /c
    """)
        == [user("ann")] * 3 + [user("bob")] * 2 + [user("ann")] * 2
    )


def test_a_device_that_names_nobody_owns_itself() -> None:
    assert owner_names("phone 09:00 page /") == [device("phone")]


def test_an_email_owns_until_a_user_is_named() -> None:
    assert owner_names("""
        phone 09:00 mail a@example.com
        phone 09:01 page /
        phone 09:02 login ann
    """) == [email("a@example.com")] * 2 + [user("ann")]


def test_events_of_one_millisecond_have_one_owner_the_first_that_names_one() -> None:
    assert (
        owner_names("""
        phone 09:00 login ann
        phone 09:05 page / sequence=1
        phone 09:05 login bob sequence=2
        phone 09:05 login cid sequence=3
        phone 09:06 page /b
    """)
        == [user("ann")] + [user("bob")] * 4
    )


def test_ownerships_cover_all_time_and_the_first_says_from_when_on_an_owner_is_known() -> None:
    rows = ownerships(
        story("""
        tablet 09:00 page /
        tablet 09:01 login ann
        tablet 09:03 login bob
    """)
    )
    assert [(row.owned_from, row.owned_until, row.owner, row.known_from) for row in rows] == [
        (FOREVER_AGO, moment("09:03"), user("ann"), moment("09:01")),
        (moment("09:03"), FOREVER, user("bob"), FOREVER),
    ]


@st.composite
def device_events(draw: Callable[..., object]) -> list[EventRow]:
    count = draw(st.integers(1, 9))
    lines = []
    for number in range(count):
        minute, who = (
            draw(st.integers(0, 5)),
            draw(st.sampled_from(["", "", "user=ann", "user=bob", "email=a@example.com"])),
        )
        lines.append(f"d 09:0{minute} page / {who} sequence={draw(st.integers(0, 2))} id=m{number}")
    return sorted(story("\n".join(lines)), key=order)


@given(device_events())
def test_owners_equal_the_rule_read_word_by_word(events: list[EventRow]) -> None:
    def named_in(moment: int) -> int:
        return next((e.user or e.email for e in events if e.occurred_at == moment and (e.user or e.email)), 0)

    moments = sorted({event.occurred_at for event in events})
    expected = []
    for event in events:
        before = [named_in(m) for m in moments if m <= event.occurred_at and named_in(m)]
        after = [named_in(m) for m in moments if m > event.occurred_at and named_in(m)]
        expected.append(before[-1] if before else after[0] if after else event.device)
    assert owners(events) == expected


@given(device_events())
def test_an_event_lies_in_the_ownership_of_its_owner(events: list[EventRow]) -> None:
    rows = ownerships(events)
    for event, owner in zip(events, owners(events), strict=True):
        assert [row.owner for row in rows if row.owned_from <= event.occurred_at < row.owned_until] == [owner]
