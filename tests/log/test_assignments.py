"""Which partitions agents are told of, and who gets which."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.log.assignments import Assignments
from pipeline.log.costicky import shared


class Told(list[str]):
    def __init__(self, assignments: Assignments) -> None:
        assignments.subscribe(
            on_assigned=lambda topic, partition: self.append(f"+{topic}{partition}"),
            on_revoked=lambda topic, partition: self.append(f"-{topic}{partition}"),
        )

    def new(self) -> list[str]:
        new = list(self)
        self.clear()
        return new


def test_only_what_changed_is_told_across_neighbouring_generations() -> None:
    assignments = Assignments()
    told = Told(assignments)
    assignments.assign([("e", 0), ("e", 1)], 7)
    assert told.new() == ["+e0", "+e1"]
    assignments.assign([("e", 1), ("e", 2)], 8)
    assert told.new() == ["-e0", "+e2"]
    assert assignments.held == {("e", 1), ("e", 2)}


def test_after_a_gap_in_the_generations_everything_is_told_anew() -> None:
    assignments = Assignments()
    told = Told(assignments)
    assignments.assign([("e", 0)], 7)
    assignments.assign([("e", 0)], 9)
    assert told.new() == ["+e0", "-e0", "+e0"]


def test_a_late_subscriber_hears_of_what_is_held() -> None:
    assignments = Assignments()
    assignments.assign([("e", 0)], 1)
    assert Told(assignments).new() == ["+e0"]


def test_a_partition_is_revoked_once() -> None:
    assignments = Assignments()
    assignments.assign([("e", 0), ("e", 1)], 1)
    told = Told(assignments)
    told.clear()
    assignments.revoke([("e", 0), ("other", 5)])
    assert not assignments.owns("e", 0)
    assert assignments.owns("e", 1)
    assignments.assign([("e", 0)], 2)
    assert told.new() == ["-e0", "-e1", "+e0"]


names = st.text("abcdef", min_size=1, max_size=3)
claims = st.dictionaries(names, st.lists(st.integers(0, 40), unique=True, max_size=30), min_size=1, max_size=6)


@given(st.integers(0, 40), claims)
def test_every_partition_goes_to_exactly_one_worker_and_shares_differ_by_one_at_most(
    count: int, claimed: dict[str, list[int]]
) -> None:
    shares = shared(count, claimed)
    assert sorted(partition for share in shares.values() for partition in share) == list(range(count))
    sizes = [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 40), st.integers(1, 6))
def test_a_share_that_was_dealt_once_is_dealt_again(count: int, workers: int) -> None:
    shares = shared(count, {str(worker): [] for worker in range(workers)})
    assert shared(count, shares) == shares


@given(st.integers(1, 40), st.integers(2, 6))
def test_workers_that_stay_keep_all_they_had_when_another_leaves(count: int, workers: int) -> None:
    shares = shared(count, {str(worker): [] for worker in range(workers)})
    after = shared(count, {name: share for name, share in shares.items() if name != "0"})
    for name, share in after.items():
        assert set(shares[name]) <= set(share)
