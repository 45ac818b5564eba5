"""Terms and versions: whoever took a shard last, wins; and how far a shard has come is told rarely and said on."""

import asyncio

import msgspec
import pytest

from agents.claims import CLOCKS_APART_MS, COUNTER_BITS, SLOW_MS, Claims
from agents.crew import INSERT_SECONDS
from agents.turns import BACKOFF_SECONDS
from agents.watermarks import speaker
from pipeline.errors import LogUnavailable, StoreUnavailable
from pipeline.store.late import Late
from pipeline.store.remote import ANSWER_SECONDS
from schemas.log import CHANGES, EVENTS, PAIRS, Mark, PairNote
from tests.agents.fakes import FakePorts, now
from tests.agents.virtual_time import run


def term(version: int) -> int:
    return version >> COUNTER_BITS


def test_a_term_is_greater_than_every_term_of_the_agent_over_all_shards() -> None:
    ports = FakePorts()
    one, other, identity = Claims("sessions", ports), Claims("sessions", ports), Claims("identity", ports)
    run(one.hold({0}))
    run(other.hold({1}))
    run(one.hold({0, 2}))
    run(identity.hold({0}))
    assert [term(claims.version()) for claims in (other, one, identity)] == [2, 3, 1]
    assert [row[:3] for row in ports.store.rows["claims"]] == [
        ("sessions", 0, 1),
        ("sessions", 1, 2),
        ("sessions", 2, 3),
        ("identity", 0, 1),
    ]


def test_versions_grow_and_leave_room_for_the_upserts_of_an_insert() -> None:
    claims = Claims("sessions", FakePorts())
    run(claims.hold({0}))
    first, second = claims.version(), claims.version()
    assert second == first + 2


def test_a_version_tells_how_long_after_the_claim_it_was_taken() -> None:
    claims = Claims("sessions", FakePorts())

    async def later() -> int:
        await claims.hold({0})
        await asyncio.sleep(30)
        return claims.version()

    assert run(later()) == 1 << COUNTER_BITS | 2 * 30_000


def test_a_shard_is_swept_once_when_nobody_else_can_write_any_more() -> None:
    """Of what a former owner wrote from about the claim on; also where one in between has not swept."""
    ports = FakePorts()
    ports.sweep_after = 40.0
    former, between, heir = (Claims("sessions", ports) for _ in range(3))

    async def later() -> None:
        await former.hold({0, 1})
        await asyncio.sleep(3_000)
        await former.swept(0)
        await former.swept(1)
        await between.hold({1})
        await asyncio.sleep(20)
        await heir.hold({1})
        await asyncio.sleep(39)
        assert await heir.due() == {}
        await asyncio.sleep(2)
        since = 2 * (3_000_000 - 40_000 - CLOCKS_APART_MS)
        ranges = [(1 << COUNTER_BITS | since, 2 << COUNTER_BITS), (2 << COUNTER_BITS, 3 << COUNTER_BITS)]
        assert await heir.due() == {1: Late(ranges, 2 * (2 * 40_000 + SLOW_MS))}
        assert await heir.due() != {}
        await heir.swept(1)
        assert await heir.due() == {}
        between.drop(1)
        assert await between.due() == {}

    run(later())
    swept = [(term, is_swept) for _, shard, term, _, _, is_swept, _ in ports.store.rows["claims"] if shard == 1]
    assert swept[-2:] == [(2, 1), (3, 1)]


def test_a_sweep_that_was_overtaken_does_not_count_for_who_took_the_shard_over() -> None:
    ports = FakePorts()
    ports.sweep_after = 40.0
    former, heir = Claims("sessions", ports), Claims("sessions", ports)

    async def later() -> None:
        await former.hold({0, 1})
        await asyncio.sleep(3_000)
        assert set(await former.due()) == {0, 1}
        await heir.hold({0, 1})  # while the former is at its sweep of both
        await former.swept(0)
        former.drop(1)
        await former.swept(1)
        await asyncio.sleep(41)
        assert set(await heir.due()) == {0, 1}

    run(later())


FIVE_MINUTES = 300


@pytest.mark.parametrize("whose", ["former's before its claim", "former's before its last insert", "heir's"])
def test_a_clock_that_steps_back_hides_no_late_row_from_the_sweep(whose: str) -> None:
    """Who held the shard had its clock set back, or its heir before it took the shard."""
    ports, heirs = FakePorts(), FakePorts()
    heirs.store = heirs.facts.store = ports.store  # type: ignore[misc]
    heirs.sweep_after = 40.0
    former, heir = Claims("sessions", ports), Claims("sessions", heirs)

    def set_back() -> int:
        return now() - FIVE_MINUTES * 1000

    async def later() -> tuple[int, Late]:
        if whose == "former's before its claim":
            ports.now = set_back
        await former.hold({0})
        await asyncio.sleep(41)
        await former.swept(0)  # what is before its claim needs no other sweep
        await asyncio.sleep(1_759)
        (heirs if whose == "heir's" else ports).now = set_back
        await asyncio.sleep(360)
        late = former.version()  # and then it freezes
        await asyncio.sleep(60)
        await heir.hold({0})
        await asyncio.sleep(41)
        (versions,) = (await heir.due()).values()
        return late, versions

    late, versions = run(later())
    ((low, high),) = versions.ranges
    assert low <= late < high


def test_an_insert_that_was_given_up_and_begun_anew_is_among_the_last_rows() -> None:
    """The store was silent about it for as long as one waits. Then the shard went to another, and both came late."""
    ports, heirs = FakePorts(), FakePorts()
    heirs.store = heirs.facts.store = ports.store  # type: ignore[misc]
    heirs.sweep_after = ports.session_timeout + INSERT_SECONDS
    former, heir = Claims("sessions", ports), Claims("sessions", heirs)

    async def later() -> None:
        await former.hold({0})
        await asyncio.sleep(1_800)
        given_up = former.version()
        await asyncio.sleep(ANSWER_SECONDS + max(BACKOFF_SECONDS))
        await heir.hold({0})
        await asyncio.sleep(ports.session_timeout)
        begun_anew = former.version()  # the latest that it may: all this time it has not heard that it lost the shard
        await asyncio.sleep(heirs.sweep_after)
        (late,) = (await heir.due()).values()
        assert given_up + late.behind >= begun_anew

    run(later())


def test_a_clock_that_is_set_forward_brings_no_sweep_forward() -> None:
    """A former owner may still be writing."""
    ports = FakePorts()
    ports.sweep_after = 40.0
    claims = Claims("sessions", ports)

    async def later() -> None:
        await claims.hold({0})
        ports.now = lambda: now() + FIVE_MINUTES * 1000
        await asyncio.sleep(39)
        assert await claims.due() == {}
        await asyncio.sleep(1)
        assert list(await claims.due()) == [0]

    run(later())


def test_a_clock_that_is_set_right_after_the_claim_leaves_a_version_its_term() -> None:
    """A machine that begins in 1970 until it is told the time: 56 years are more than a counter holds."""
    ports = FakePorts()
    claims = Claims("sessions", ports)
    run(claims.hold({0}))
    ports.now = lambda: 1_800_000_000_000
    assert term(claims.version()) == 1


def test_without_a_former_owner_that_could_write_nothing_is_swept() -> None:
    claims = Claims("sessions", FakePorts())

    async def later() -> None:
        await claims.hold({0})
        await asyncio.sleep(10_000)
        assert await claims.due() == {}

    run(later())


def test_a_shard_that_is_held_is_not_claimed_again() -> None:
    ports = FakePorts()
    claims = Claims("sessions", ports)
    run(claims.hold({0, 1}))
    run(claims.hold({1}))
    assert len(ports.store.rows["claims"]) == 2
    claims.drop(1)
    run(claims.hold({0, 1}))
    assert [row[1] for row in ports.store.rows["claims"]] == [0, 1, 1]


def test_a_term_that_was_not_written_is_not_used() -> None:
    """Else another worker is given the same one, and the versions of both mingle."""
    ports = FakePorts()
    claims = Claims("sessions", ports)
    run(claims.hold({0}))
    ports.store.insert_faults = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        run(claims.hold({0, 1}))
    run(claims.hold({0}))
    assert term(claims.version()) == 1
    assert claims.shards == {0}


def test_a_turn_that_has_lost_a_shard_gets_no_version_and_the_next_turn_does() -> None:
    claims = Claims("sessions", FakePorts())
    run(claims.hold({0, 1}))
    claims.drop(7)
    claims.version()
    claims.drop(1)
    with pytest.raises(LogUnavailable):
        claims.version()
    run(claims.hold({0}))
    claims.drop(1)
    claims.version()


def test_progress_is_told_once_a_second_and_only_where_it_is_news() -> None:
    ports = FakePorts()
    claims = Claims("sessions", ports)

    async def tell() -> None:
        for seconds, reached in ((0, {0: 5}), (0.5, {0: 6, 1: 6}), (0.5, {0: 7, 1: 7}), (2, {0: 7, 1: 7}), (9, {0: 7})):
            await asyncio.sleep(seconds)
            await claims.tell(reached)

    run(tell())
    assert ports.store.told() == [(0, 5), (1, 6), (0, 7), (1, 7)]


def test_a_sessions_shard_says_how_far_it_is_to_every_shard_behind_it_after_it_has_told_so() -> None:
    ports = FakePorts(partitions=2)
    run(Claims("sessions", ports).tell({0: 50, 1: 60}))
    assert ports.store.told() == [(0, 50), (1, 60)]
    sent = {(topic, partition): lines for topic, partition, lines in ports.sent}
    assert set(sent) == {(topic, partition) for topic in (PAIRS, CHANGES) for partition in (0, 1)}
    notes = [msgspec.json.decode(line, type=PairNote) for line in sent[PAIRS, 1]]
    marks = [msgspec.json.decode(line, type=Mark) for line in sent[CHANGES, 1]]
    said = [(speaker(EVENTS, 0), 50), (speaker(EVENTS, 1), 60)]
    assert [(note.a, note.r) for note in notes] == said
    assert [(mark.i, mark.r) for mark in marks] == said
    assert {one.k for one in notes} | {one.k for one in marks} == {"clock"}


def test_what_could_not_be_said_is_said_again() -> None:
    ports = FakePorts(partitions=1)
    claims = Claims("identity", ports)

    async def tell() -> None:
        ports.send_faults = [LogUnavailable("away")]
        with pytest.raises(LogUnavailable):
            await claims.tell({0: 5})
        await claims.tell({0: 5})

    run(tell())
    assert [(topic, partition) for topic, partition, _ in ports.sent] == [(CHANGES, 0)]
