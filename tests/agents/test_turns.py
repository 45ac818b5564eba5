"""Turns: in order, acknowledged after the work and not before, whatever is revoked, fails or stops in the middle."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from agents.claims import Claims
from agents.ports import Ports
from agents.turns import BACKOFF_SECONDS, REFUSED_TRIES, Turns
from pipeline.errors import LogFull, LogUnavailable, StoreRefused, StoreUnavailable
from pipeline.log.batches import Batch
from pipeline.store.late import Late
from tests.agents.fakes import FakeDelivered, FakePorts, FakeStore, delivered
from tests.agents.virtual_time import run


class Work:
    """A turn takes a second. It writes once, in the middle; what it would write to is `written`."""

    def __init__(self) -> None:
        self.ports: Ports = FakePorts()
        self.store: FakeStore = self.ports.store
        self.claims = Claims("sessions", self.ports)
        self.done: list[str] = []  # "a b": a turn over these batches was done
        self.begun: list[str] = []
        self.prepared: list[str] = []
        self.written: list[tuple[str, int]] = []  # batch and the version that it was written with
        self.forgotten: list[int | None] = []
        self.swept: list[int] = []
        self.cached: set[int] = set()
        self.faults: list[Exception] = []  # one a turn, in its middle
        self.meanwhile: Callable[[], Any] | None = None  # once, in the middle of a turn, before it writes
        self.received: dict[str, int] = {}
        self.remains: dict[str, int] = {}  # how many turns leave something of a batch

    def prepare(self, batch: Batch) -> tuple[int, list[str]]:
        lines = batch.records[0][2].decode().split("\n")
        self.prepared.append(lines[0])
        return batch.partition, lines

    async def turn(self, prepared: list[tuple[int, list[str]]]) -> dict[int, int]:
        names = " ".join(name for _, lines in prepared for name in lines[:1])
        self.begun.append(names)
        self.cached.update(partition for partition, _ in prepared)
        await asyncio.sleep(0.5)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.faults:
            raise self.faults.pop(0)
        version = self.claims.version()
        self.written += [(name, version) for _, lines in prepared for name in lines[:1]]
        await asyncio.sleep(0.5)
        self.done.append(names)
        return {partition: self.received.get(name, 0) for partition, lines in prepared for name in lines[:1]}

    def left(self, partition: int, lines: list[str]) -> list[str]:
        again = [name for name in lines[:1] if self.remains.get(name)]
        self.remains.update({name: self.remains[name] - 1 for name in again})
        return again

    async def sweep(self, shard: int, late: Late) -> None:
        self.swept.append(shard)

    def forget(self, partition: int | None = None) -> None:
        self.forgotten.append(partition)
        self.cached -= self.cached if partition is None else {partition}


class House:
    """Turns over that work, and what they ended with."""

    def __init__(self, limit: int = 100, pause: float = 0.0, rest: float = 0.0) -> None:
        self.work = Work()
        self.failed: list[BaseException] = []
        self.turns = Turns(self.work, limit=limit, fail=self.failed.append, pause=pause, rest=rest, left=self.work.left)
        self.running: asyncio.Task[None] | None = None

    async def give(self, *batches: FakeDelivered) -> None:
        for batch in batches:
            await self.turns.put(batch)

    def start(self) -> None:
        self.running = asyncio.create_task(self.turns.run())

    async def stop(self) -> None:
        assert self.running is not None
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


def story(tell: Callable[[House], Coroutine[Any, Any, None]], **options: Any) -> House:
    """Tells the story in virtual time, with turns that run from its beginning to its end."""

    async def main() -> House:
        house = House(**options)
        house.start()
        try:
            await tell(house)
        finally:
            await house.stop()
        return house

    return run(main())


def test_what_comes_while_an_agent_rests_from_a_turn_is_done_in_one() -> None:
    async def tell(house: House) -> None:
        await house.give(delivered("a"))
        await asyncio.sleep(0.9)
        await house.give(delivered("b"))
        await asyncio.sleep(0.5)  # its turn of a second is over, and half of its rest
        await house.give(delivered("c"))
        await asyncio.sleep(10)

    assert story(tell, rest=1.0).work.done == ["a", "b c"]
    assert story(tell).work.done == ["a", "b", "c"]


def test_what_it_holds_is_swept_once_also_where_nothing_more_comes() -> None:
    async def tell(house: House) -> None:
        house.work.ports.sweep_after = 40.0
        await house.give(delivered("a"))
        await asyncio.sleep(39)
        assert house.work.swept == []
        await asyncio.sleep(60)

    assert story(tell).work.swept == [0]


# ---- in order, and acknowledged late


def test_turns_take_what_is_there_in_order_and_acknowledge_it_once() -> None:
    given = [delivered(name) for name in "abc"]

    async def tell(house: House) -> None:
        await house.give(*given)
        await asyncio.sleep(10)

    assert story(tell).work.done == ["a b c"]
    assert [one.acked for one in given] == [1, 1, 1]


def test_nothing_is_acknowledged_before_its_work_is_done() -> None:
    one = delivered("a")

    async def tell(house: House) -> None:
        await house.give(one)
        await asyncio.sleep(0.9)
        assert house.work.begun == ["a"]
        assert one.acked == 0
        await asyncio.sleep(0.2)
        assert one.acked == 1

    story(tell)


def test_what_is_left_of_a_batch_is_done_though_nothing_else_comes_and_what_is_behind_it_waits_for_it() -> None:
    given = [delivered("a"), delivered("b"), delivered("c", partition=1)]

    async def tell(house: House) -> None:
        house.work.remains = {"a": 2}
        await house.give(*given)
        await asyncio.sleep(1.2)
        assert [one.acked for one in given] == [0, 0, 1]
        await asyncio.sleep(5)

    assert story(tell).work.done == ["a b c", "a", "a"]
    assert [one.acked for one in given] == [1, 1, 1]


def test_what_is_left_of_a_partition_that_is_revoked_is_its_new_owners() -> None:
    given = [delivered("a"), delivered("c", partition=1)]

    async def tell(house: House) -> None:
        house.work.remains = {"a": 9, "c": 1}
        await house.give(*given)
        await asyncio.sleep(1.2)
        house.turns.revoked(0)
        await asyncio.sleep(5)

    assert story(tell).work.done == ["a c", "c"], "the turn that was under way was done again without it"
    assert [one.acked for one in given] == [0, 1]


def test_the_next_turn_is_decoded_but_not_begun_while_one_is_written() -> None:
    first, second = delivered("a"), delivered("b")

    async def tell(house: House) -> None:
        await house.give(first)
        await asyncio.sleep(0.2)
        await house.give(second)
        await asyncio.sleep(0.2)
        assert house.work.prepared == ["a", "b"]
        assert house.work.begun == ["a"]
        await asyncio.sleep(10)
        assert house.work.done == ["a", "b"]

    story(tell)
    assert (first.acked, second.acked) == (1, 1)


def test_a_turn_has_no_more_lines_than_its_limit_but_for_its_last_batch() -> None:
    async def tell(house: House) -> None:
        await house.give(*(delivered(name, lines=4) for name in "abcde"))
        await asyncio.sleep(10)

    assert story(tell, limit=8).work.done == ["a b", "c d", "e"]


def test_a_pause_lets_more_come_together() -> None:
    async def tell(house: House) -> None:
        await house.give(delivered("a"))
        await asyncio.sleep(1.5)
        await house.give(delivered("b"))
        await asyncio.sleep(0.2)
        await house.give(delivered("c"))
        await asyncio.sleep(10)

    assert story(tell, pause=2.0).work.done == ["a", "b c"]


def test_whoever_gives_waits_while_many_batches_wait_and_none_is_lost() -> None:
    given = [delivered(str(number), lines=10) for number in range(40)]

    async def tell(house: House) -> None:
        await house.give(*given)
        await asyncio.sleep(60)

    assert " ".join(story(tell, limit=10).work.done).split() == [str(number) for number in range(40)]
    assert all(one.acked == 1 for one in given)


# ---- revoked


def test_a_batch_that_waits_when_its_partition_is_revoked_is_neither_worked_on_nor_acknowledged() -> None:
    mine, lost = delivered("mine", 0), delivered("lost", 1)

    async def tell(house: House) -> None:
        house.work.meanwhile = lambda: None
        await house.give(mine, lost)
        house.turns.revoked(1)
        await asyncio.sleep(10)

    house = story(tell)
    assert house.work.done == ["mine"]
    assert (mine.acked, lost.acked) == (1, 0)


def test_a_batch_whose_giver_still_waited_when_its_partition_was_revoked_is_not_worked_on() -> None:
    """The queue was full: the batch comes into it after the revocation, and is another worker's all the same."""
    lost = delivered("lost", 1)

    async def tell(house: House) -> None:
        givers = [asyncio.create_task(house.give(delivered(str(number), lines=100))) for number in range(9)]
        await asyncio.sleep(0.1)
        givers += [asyncio.create_task(house.give(delivered(f"{number}b", lines=100))) for number in range(8)]
        givers.append(asyncio.create_task(house.give(lost)))
        await asyncio.sleep(0.1)
        house.turns.revoked(1)
        await asyncio.gather(*givers)
        await asyncio.sleep(60)

    assert "lost" not in " ".join(story(tell).work.begun).split()
    assert lost.acked == 0


def test_a_batch_that_the_log_has_marked_as_revoked_is_not_worked_on() -> None:
    lost = delivered("lost")

    async def tell(house: House) -> None:
        lost.value.revoked = True
        await house.give(lost)
        await asyncio.sleep(10)

    assert story(tell).work.begun == []
    assert lost.acked == 0


def test_a_batch_that_is_decoded_when_its_partition_is_revoked_is_left_out_of_its_turn() -> None:
    first, mine, lost = delivered("first"), delivered("mine", 0), delivered("lost", 1)

    async def tell(house: House) -> None:
        await house.give(first)
        await asyncio.sleep(0.2)
        await house.give(mine, lost)
        await asyncio.sleep(0.2)
        assert house.work.prepared == ["first", "mine", "lost"]
        house.turns.revoked(1)
        await asyncio.sleep(10)

    assert story(tell).work.done == ["first", "mine"]
    assert (first.acked, mine.acked, lost.acked) == (1, 1, 0)


def test_a_turn_whose_partition_is_revoked_stops_writing_and_goes_on_with_what_is_still_held() -> None:
    mine, lost = delivered("mine", 0), delivered("lost", 1)

    async def tell(house: House) -> None:
        house.work.meanwhile = lambda: house.turns.revoked(1)
        await house.give(mine, lost)
        await asyncio.sleep(10)

    house = story(tell)
    assert house.work.begun == ["mine lost", "mine"]
    assert [name for name, _ in house.work.written] == ["mine"]
    assert (mine.acked, lost.acked) == (1, 0)


def test_a_partition_that_is_revoked_after_a_turns_last_write_is_not_acknowledged() -> None:
    mine, lost = delivered("mine", 0), delivered("lost", 1)

    async def tell(house: House) -> None:
        await house.give(mine, lost)
        await asyncio.sleep(0.7)
        house.turns.revoked(1)
        await asyncio.sleep(10)

    assert story(tell).work.begun == ["mine lost"]
    assert (mine.acked, lost.acked) == (1, 0)


def test_a_partition_that_comes_back_is_forgotten_and_claimed_before_its_next_turn() -> None:
    again = delivered("again", 1)

    async def tell(house: House) -> None:
        await house.give(delivered("before", 1))
        await asyncio.sleep(5)
        house.turns.revoked(1)
        await house.give(again)
        await asyncio.sleep(5)

    house = story(tell)
    assert house.work.forgotten[-1] == 1
    (_, first), (_, second) = house.work.written
    assert second >> 40 == (first >> 40) + 1, "another worker may have written in between: its rows are to lose"
    assert again.acked == 1


def test_a_partition_that_left_and_came_back_within_a_turn_is_forgotten_and_claimed_anew() -> None:
    """What the turn has cached of it meanwhile is from before another worker had it."""
    stale, again = delivered("stale", 1), delivered("again", 1)

    async def tell(house: House) -> None:
        await house.give(stale)
        await asyncio.sleep(0.7)
        house.turns.revoked(1)
        await house.give(again)
        await asyncio.sleep(10)

    house = story(tell)
    assert house.work.done == ["stale", "again"]
    assert house.work.forgotten[-1] == 1
    (_, first), (_, second) = house.work.written
    assert second >> 40 > first >> 40
    assert (stale.acked, again.acked) == (0, 1)


def test_a_partition_that_is_revoked_while_it_is_claimed_is_claimed_again_when_it_comes_back() -> None:
    mine, lost, again = delivered("mine", 0), delivered("lost", 1), delivered("again", 1)

    async def tell(house: House) -> None:
        house.work.store.meanwhile.append(lambda: house.turns.revoked(1))
        await house.give(mine, lost)
        await asyncio.sleep(5)
        assert (mine.acked, lost.acked) == (1, 0)
        await house.give(again)
        await asyncio.sleep(5)

    house = story(tell)
    assert house.work.store.rows["claims"][-1][:2] == ("sessions", 1)
    assert "lost" not in [name for name, _ in house.work.written]
    assert again.acked == 1


def test_nothing_is_forgotten_while_a_turn_is_under_way() -> None:
    """A turn fills the cache from a thread: to walk over it then breaks off what the log does with a revocation."""

    async def tell(house: House) -> None:
        await house.give(delivered("a", 0), delivered("b", 1))
        await asyncio.sleep(0.7)
        before = list(house.work.forgotten)
        house.turns.revoked(1)
        assert house.work.forgotten == before
        await house.give(delivered("c", 0))
        await asyncio.sleep(5)
        assert house.work.forgotten[len(before) :] == [1]
        assert house.work.cached == {0}

    story(tell)


def test_definitions_are_read_again_before_a_partition_is_taken_over() -> None:
    """Its former owner may have acknowledged the record that told of a change which this worker has not seen."""

    async def tell(house: House) -> None:
        await house.give(delivered("a", 0))
        await asyncio.sleep(5)
        await house.give(delivered("b", 0))
        await asyncio.sleep(5)
        assert house.work.ports.definitions.refreshed == 1  # type: ignore[attr-defined]
        await house.give(delivered("c", 1))
        await asyncio.sleep(5)
        assert house.work.ports.definitions.refreshed == 2  # type: ignore[attr-defined]

    story(tell)


# ---- faults


@pytest.mark.parametrize("error", [StoreUnavailable("away"), LogUnavailable("away"), LogFull("full")], ids=repr)
def test_what_cannot_be_reached_is_tried_again_with_backoff_until_it_can(error: Exception) -> None:
    one = delivered("a")
    tries = len(BACKOFF_SECONDS) + 3

    async def tell(house: House) -> None:
        house.work.faults = [error] * tries
        await house.give(one)
        waits = sum(BACKOFF_SECONDS) + 3 * BACKOFF_SECONDS[-1] + 0.5 * tries
        await asyncio.sleep(waits - 0.1)
        assert len(house.work.begun) == tries
        assert one.acked == 0
        await asyncio.sleep(1.2)

    house = story(tell)
    assert house.work.begun == ["a"] * (tries + 1)
    assert house.work.forgotten.count(None) == tries, "after a fault the same batches come as redeliveries"
    assert (one.acked, house.failed) == (1, [])


def test_a_store_that_is_away_when_a_shard_is_claimed_is_tried_again() -> None:
    one = delivered("a")

    async def tell(house: House) -> None:
        house.work.store.faults = [StoreUnavailable("away")] * 3
        await house.give(one)
        await asyncio.sleep(10)

    assert story(tell).work.done == ["a"]
    assert one.acked == 1


def test_a_refusal_is_tried_some_times_and_then_ends_the_agent() -> None:
    one, later = delivered("a"), delivered("b")

    async def tell(house: House) -> None:
        house.work.faults = [StoreRefused("no such column")] * 50
        await house.give(one)
        await asyncio.sleep(100)
        await house.give(later)
        await asyncio.sleep(100)
        assert house.running is not None
        assert house.running.done()

    house = story(tell)
    assert len(house.work.begun) == REFUSED_TRIES
    assert [type(error) for error in house.failed] == [StoreRefused]
    assert (one.acked, later.acked) == (0, 0)


def test_a_refusal_that_passes_ends_nothing() -> None:
    one = delivered("a")

    async def tell(house: House) -> None:
        house.work.faults = [StoreRefused("too many parts")] * (REFUSED_TRIES - 1)
        await house.give(one)
        await asyncio.sleep(100)

    assert story(tell).failed == []
    assert one.acked == 1


def test_what_cannot_be_explained_ends_the_agent_at_once_and_acknowledges_nothing() -> None:
    one, later = delivered("a"), delivered("b")

    async def tell(house: House) -> None:
        house.work.faults = [KeyError("what")]
        await house.give(one)
        await asyncio.sleep(0.2)
        await house.give(later)
        await asyncio.sleep(100)

    house = story(tell)
    assert house.work.begun == ["a"]
    assert [type(error) for error in house.failed] == [KeyError]
    assert (one.acked, later.acked) == (0, 0)


def test_a_batch_that_cannot_be_decoded_ends_the_agent() -> None:
    one = delivered("a")

    async def tell(house: House) -> None:
        house.work.prepare = lambda batch: 1 // 0  # type: ignore[method-assign,assignment,return-value]
        await house.give(one)
        await asyncio.sleep(10)

    assert [type(error) for error in story(tell).failed] == [ZeroDivisionError]
    assert one.acked == 0


def test_a_partition_that_is_revoked_between_two_tries_is_left_out_of_the_next() -> None:
    mine, lost = delivered("mine", 0), delivered("lost", 1)

    async def tell(house: House) -> None:
        house.work.faults = [StoreUnavailable("away")]
        await house.give(mine, lost)
        await asyncio.sleep(0.55)
        house.turns.revoked(1)
        await asyncio.sleep(10)

    assert story(tell).work.begun == ["mine lost", "mine"]
    assert (mine.acked, lost.acked) == (1, 0)


# ---- the end


@pytest.mark.parametrize("seconds", [0.1, 0.5, 0.7, 0.99])
def test_a_stop_in_the_middle_of_a_turn_acknowledges_nothing_of_it(seconds: float) -> None:
    done, under_way, decoded, waiting = (delivered(name) for name in ("done", "under", "decoded", "waiting"))

    async def tell(house: House) -> None:
        await house.give(done)
        await asyncio.sleep(2)
        await house.give(under_way)
        await asyncio.sleep(0.05)
        await house.give(decoded, waiting)
        await asyncio.sleep(seconds - 0.05)

    story(tell)
    assert (done.acked, under_way.acked, decoded.acked, waiting.acked) == (1, 0, 0, 0)


def test_a_stop_between_two_tries_ends_them() -> None:
    async def tell(house: House) -> None:
        house.work.faults = [StoreUnavailable("away")] * 100
        await house.give(delivered("a"))
        await asyncio.sleep(20)

    house = story(tell)
    assert house.failed == []
    assert house.work.done == []


def test_when_turns_have_ended_so_has_the_turn_under_way() -> None:
    async def main() -> None:
        house = House()
        house.start()
        await house.give(delivered("a"))
        await asyncio.sleep(0.2)
        await house.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


# ---- how far it has come


def test_progress_is_told_after_the_turn_and_where_nothing_comes_once_more_after_a_second() -> None:
    async def tell(house: House) -> None:
        house.work.received = {"a": 10, "b": 20}
        await house.give(delivered("a"))
        await asyncio.sleep(0.5)
        assert house.work.store.told() == []
        await house.give(delivered("b"))
        await asyncio.sleep(60)

    assert story(tell).work.store.told() == [(0, 10), (0, 20)]


def test_progress_never_goes_back_where_an_older_event_comes_later() -> None:
    async def tell(house: House) -> None:
        house.work.received = {"new": 20, "replayed": 5}
        await house.give(delivered("new"))
        await asyncio.sleep(10)
        await house.give(delivered("replayed"))
        await asyncio.sleep(10)

    assert story(tell).work.store.told() == [(0, 20)]


def test_a_turn_that_knows_no_time_tells_none() -> None:
    async def tell(house: House) -> None:
        house.work.received = {"unreadable": 0}
        await house.give(delivered("unreadable"))
        await asyncio.sleep(10)

    assert story(tell).work.store.told() == []


def test_the_progress_of_a_partition_that_was_revoked_in_a_turn_is_its_new_owners_to_tell() -> None:
    async def tell(house: House) -> None:
        house.work.received = {"mine": 10, "lost": 11}
        await house.give(delivered("mine", 0), delivered("lost", 1))
        await asyncio.sleep(0.7)
        house.turns.revoked(1)
        await asyncio.sleep(60)

    assert story(tell).work.store.told() == [(0, 10)]


def test_progress_that_cannot_be_told_is_told_later_and_no_turn_is_done_twice() -> None:
    one = delivered("a")

    async def tell(house: House) -> None:
        house.work.received = {"a": 10}
        house.work.meanwhile = lambda: house.work.store.faults.append(StoreUnavailable("away"))
        await house.give(one)
        await asyncio.sleep(60)

    house = story(tell)
    assert house.work.begun == ["a"]
    assert house.work.store.told() == [(0, 10)]
    assert one.acked == 1


def test_the_next_turn_does_not_wait_until_it_is_told_how_far_the_last_one_has_come() -> None:
    async def tell(house: House) -> None:
        async def slow(topic: str, partition: int, value: bytes) -> None:
            await asyncio.sleep(30)

        house.work.ports.send = slow
        house.work.received = {"a": 10, "b": 20}
        await house.give(delivered("a"))
        await asyncio.sleep(1.5)
        await house.give(delivered("b"))
        await asyncio.sleep(2)
        assert house.work.done == ["a", "b"]
        await asyncio.sleep(100)

    assert story(tell).work.store.told() == [(0, 10), (0, 20)]


def test_an_agent_that_cannot_tell_how_far_it_has_come_ends() -> None:
    async def tell(house: House) -> None:
        house.work.received = {"a": 10}
        house.work.meanwhile = lambda: house.work.store.faults.extend([StoreRefused("no")] * REFUSED_TRIES)
        await house.give(delivered("a"))
        await asyncio.sleep(60)

    assert [type(error) for error in story(tell).failed] == [StoreRefused]


# ---- beside each other


def test_what_is_done_beside_each_other_has_all_ended_before_an_error_is_told() -> None:
    ended: list[str] = []

    async def main() -> None:
        ports = FakePorts()

        async def do(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            await asyncio.sleep(work())

        def away() -> float:
            raise StoreUnavailable("away")

        def slow() -> float:
            ended.append("slow")
            return 10

        ports.do = do  # type: ignore[assignment, method-assign]
        with pytest.raises(StoreUnavailable):
            await ports.do_all(away, slow)
        assert asyncio.get_running_loop().time() >= 10

    run(main())
    assert ended == ["slow"]
