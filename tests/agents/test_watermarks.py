"""A reader has come as far as the least that all of its senders have said, behind all that they have sent."""

from agents.watermarks import Watermarks, speaker
from schemas.log import CHANGES, EVENTS, PAIRS, TOPICS


def partitions(topic: str) -> int:
    return {EVENTS: 2, PAIRS: 1}[topic]


def test_nobody_has_the_number_of_another_or_of_the_collectors_clock() -> None:
    numbers = [speaker(topic, partition) for topic in TOPICS for partition in range(1_024)]
    assert len({0, *numbers}) == 1 + len(numbers)


def test_before_every_sender_has_been_heard_nothing_is_reached() -> None:
    heard = Watermarks(partitions, EVENTS, PAIRS)
    heard.hear(0, speaker(EVENTS, 0), 10)
    heard.hear(0, speaker(PAIRS, 0), 10)
    assert heard.reached(0) == 0
    heard.hear(0, speaker(EVENTS, 1), 7)
    assert heard.reached(0) == 7


def test_each_partition_has_come_as_far_as_was_said_in_it() -> None:
    heard = Watermarks(partitions, PAIRS)
    heard.hear(0, speaker(PAIRS, 0), 10)
    assert (heard.reached(0), heard.reached(1)) == (10, 0)


def test_what_is_said_again_by_a_redelivery_takes_nothing_back() -> None:
    heard = Watermarks(partitions, PAIRS)
    heard.hear(0, speaker(PAIRS, 0), 10)
    heard.hear(0, speaker(PAIRS, 0), 4)
    assert heard.reached(0) == 10


def test_the_collectors_clock_and_other_senders_say_nothing() -> None:
    heard = Watermarks(partitions, PAIRS)
    heard.hear(0, 0, 99)
    heard.hear(0, speaker(CHANGES, 0), 99)
    assert heard.reached(0) == 0
