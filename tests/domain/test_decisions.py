"""Operators join, split and ignore: whatever evidence there is, in whatever order, and taken back without a trace."""

import random
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.decisions import concerning, decided, joined
from pipeline.domain.identifiers import Kind, identifier, kind_of
from pipeline.domain.identity import Customers, customers, evidence
from schemas.definitions import Decision
from schemas.facts import Pair
from tests.domain.making import PROJECT, user
from tests.domain.test_identity import ANN, ANNS, BOB, BOBS, CID, CRM, PHONE, any_identifier, both, pair, worlds

LIMIT = 2
TABLET = identifier(PROJECT, Kind.device, "tablet")


def decision(action: str, one: int, other: int = 0, at: int = 1, name: int = 0) -> Decision:
    return Decision(f"{name or at:016x}", action, one, other, "because", "ops", at)  # type: ignore[arg-type]


def reasons(answer: Customers) -> list[tuple[int, int, str, int]]:
    return [(row.identifier, row.other, row.reason, row.decision) for row in answer.refusals]


class TestSplit:
    def test_an_email_that_is_split_off_is_a_customer_of_its_own_and_the_refusal_names_the_decision(self) -> None:
        answer = customers([pair(ANN, ANNS, 1)], [decision("split", ANNS, ANN, name=7)])
        assert answer.customer == {}
        assert reasons(answer) == [(*both(ANN, ANNS), "split", 7)]

    def test_of_a_chain_the_pair_that_would_bring_the_two_together_last_is_refused(self) -> None:
        chain = [pair(ANN, ANNS, 1), pair(PHONE, CRM, 2), pair(ANNS, PHONE, 3)]
        answer = customers(chain, [decision("split", CRM, ANN)])
        assert answer.customer == {ANNS: ANN, CRM: PHONE}
        assert [(row.identifier, row.other) for row in answer.refused] == [both(ANNS, PHONE)]

    def test_a_split_holds_against_a_rename(self) -> None:
        answer = customers([pair(ANN, BOB, 1, "alias"), pair(ANN, ANNS, 2)], [decision("split", ANN, BOB, name=3)])
        assert answer.customer == {ANNS: ANN}
        assert reasons(answer) == [(*both(ANN, BOB), "split", 3)]

    def test_a_split_of_two_whom_nothing_joins_changes_nothing(self) -> None:
        rows = [pair(ANN, ANNS, 1), pair(BOB, BOBS, 2)]
        assert customers(rows, [decision("split", ANN, BOBS)]) == customers(rows)


class TestJoin:
    def test_two_known_users_are_one_customer_under_the_least_of_them(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(BOB, BOBS, 2)], [decision("join", ANN, BOB)])
        least, other = both(ANN, BOB)
        assert answer.customer == {other: least, ANNS: least, BOBS: least}

    def test_what_was_refused_between_them_counts_and_a_third_user_is_refused(self) -> None:
        rows = [pair(ANN, ANNS, 1), pair(BOB, ANNS, 2), pair(CID, ANNS, 3)]
        answer = customers(rows, [decision("join", ANN, BOB)])
        assert [(row.identifier, row.reason) for row in answer.refused] == [(CID, "two_users")]

    def test_an_anonymous_device_may_be_joined(self) -> None:
        assert customers([], [decision("join", TABLET, ANN)]).customer == {TABLET: ANN}

    def test_a_join_holds_for_a_shared_identifier_and_its_evidence_stays_out(self) -> None:
        rows = [pair(user(f"guest {number}"), PHONE, number) for number in range(LIMIT + 1)]
        answer = customers(rows, [decision("join", PHONE, ANN)], shared_limit=LIMIT)
        assert answer.customer == {PHONE: ANN}
        assert {row.reason for row in answer.refusals} == {"shared"}


class TestIgnore:
    def test_evidence_that_is_ignored_joins_nobody_on_whatever_device_it_was_given(self) -> None:
        rows = [pair(ANN, ANNS, 1, device=1), pair(ANN, ANNS, 5, device=2), pair(BOB, ANNS, 9)]
        answer = customers(rows, [decision("ignore", ANNS, ANN, name=4)])
        assert answer.customer == {ANNS: BOB}
        assert reasons(answer) == [(*both(ANN, ANNS), "ignored", 4)]
        assert answer.refusals[0].evidence_at == 1

    def test_an_identifier_that_is_ignored_joins_nobody(self) -> None:
        answer = customers([pair(ANN, PHONE, 1), pair(PHONE, CRM, 2), pair(ANN, CRM, 3)], [decision("ignore", PHONE)])
        assert answer.customer == {CRM: ANN}
        assert [row.reason for row in answer.refusals] == ["ignored", "ignored"]

    def test_ignored_evidence_does_not_make_an_identifier_shared(self) -> None:
        rows = [pair(user(f"guest {number}"), PHONE, number) for number in range(LIMIT + 1)]
        ignored = decision("ignore", user("guest 1"), PHONE)
        assert customers(rows, shared_limit=LIMIT).shared == {PHONE}
        assert customers(rows, [ignored], shared_limit=LIMIT).shared == frozenset()

    def test_a_rename_may_be_ignored(self) -> None:
        assert customers([pair(ANN, BOB, 1, "alias")], [decision("ignore", ANN, BOB)]).customer == {}


class TestContradictions:
    def test_the_newest_of_two_decisions_holds(self) -> None:
        old, new = decision("split", ANN, BOB, at=1), decision("join", ANN, BOB, at=2)
        assert decided([new, old]).overruled == {old.name}
        assert customers([], [old, new]).customer == {max(ANN, BOB): min(ANN, BOB)}

    def test_a_join_by_way_of_a_third_is_overruled_by_a_newer_split(self) -> None:
        ways = [decision("join", ANN, ANNS, at=1), decision("join", ANNS, BOB, at=2), decision("split", ANN, BOB, at=3)]
        assert decided(ways).overruled == {ways[0].name}
        assert customers([], ways).customer == {ANNS: BOB}

    def test_of_two_splits_of_one_pair_the_newest_is_named(self) -> None:
        ways = [decision("split", ANN, ANNS, at=1), decision("split", ANNS, ANN, at=2)]
        assert [row.decision for row in customers([pair(ANN, ANNS, 1)], ways).refused] == [2]


# ---- laws, against a slow account of the same rules


@st.composite
def any_decisions(draw: st.DrawFn) -> list[Decision]:
    """Of different times, in any order."""
    made = []
    anybody = any_identifier | st.just(TABLET)
    for at in draw(st.permutations(range(1, 1 + draw(st.integers(0, 5))))):
        one, other = draw(st.lists(anybody, min_size=2, max_size=2, unique=True))
        action = draw(st.sampled_from(["join", "split", "split", "ignore"]))
        made.append(decision(action, one, 0 if action == "ignore" and draw(st.booleans()) else other, at))
    return made


def slowly(rows: Iterable[Pair], decisions: Sequence[Decision]) -> tuple[dict[int, int], dict[tuple[int, int], str]]:
    """Customers and refusals, by asking anew what hangs together before every step."""
    links: set[tuple[int, int]] = set()
    splits: list[tuple[int, int]] = []

    def reached(start: int) -> set[int]:
        found = {start}
        while more := {x for link in links if found & set(link) for x in link} - found:
            found |= more
        return found

    def parted(one: int, other: int) -> bool:
        return any(
            (a in reached(one) and b in reached(other)) or (b in reached(one) and a in reached(other))
            for a, b in splits
        )  # fmt: skip

    for each in sorted(decisions, key=lambda one: -one.decided_at):
        if each.action == "join" and not parted(each.one, each.other):
            links.add((each.one, each.other))
        elif each.action == "split" and each.other not in reached(each.one):
            splits.append((each.one, each.other))
    least: dict[tuple[int, int], Pair] = {}
    for row in sorted(rows, key=evidence):
        least.setdefault(both(row.identifier, row.other), row)
    refused = {
        ends: "ignored"
        for ends in least
        for each in decisions
        if each.action == "ignore" and each.one in ends and (not each.other or each.other in ends)
    }
    counted = {ends: row for ends, row in least.items() if ends not in refused}
    users = {end: {a for a, b in counted if b == end and kind_of(a) is Kind.user} for ends in counted for end in ends}
    shared = {end for end, known in users.items() if kind_of(end) is not Kind.user and len(known) > LIMIT}
    for is_rename in (True, False):
        for (one, other), row in counted.items():
            if (row.kind == "alias") is not is_rename:
                continue
            if not is_rename and {one, other} & shared:
                refused[one, other] = "shared"
            elif other in reached(one):
                continue
            elif parted(one, other):
                refused[one, other] = "split"
            elif not is_rename and all(any(kind_of(x) is Kind.user for x in reached(end)) for end in (one, other)):
                refused[one, other] = "two_users"
            else:
                links.add((one, other))
    everyone = {end for link in links for end in link}
    return {x: min(reached(x)) for x in everyone if min(reached(x)) != x}, refused


@given(worlds, any_decisions())
def test_customers_are_what_the_slow_account_says(rows: list[Pair], decisions: list[Decision]) -> None:
    answer = customers(rows, decisions, shared_limit=LIMIT)
    customer, refused = slowly(rows, decisions)
    assert answer.customer == customer
    assert {(row.identifier, row.other): row.reason for row in answer.refusals} == refused
    assert len(answer.refusals) == len(refused)


@given(worlds, any_decisions(), st.randoms(use_true_random=False))
def test_neither_the_order_of_evidence_nor_that_of_decisions_matters(
    rows: list[Pair], decisions: list[Decision], chance: random.Random
) -> None:
    expected = customers(rows, decisions, shared_limit=LIMIT)
    chance.shuffle(rows)
    chance.shuffle(decisions)
    assert customers(rows, decisions, shared_limit=LIMIT) == expected


@given(worlds, any_decisions())
def test_a_component_is_decided_by_its_own_pairs_and_decisions_alone(
    rows: list[Pair], decisions: list[Decision]
) -> None:
    """What hangs together by evidence and joins: the identity agent reads no more than that."""
    whole, others = customers(rows, decisions, shared_limit=LIMIT), joined(decisions)
    for start in {row.identifier for row in rows} | {each.one for each in decisions}:
        reached = {start}
        while (
            more := {
                x for row in rows if {row.identifier, row.other} & reached for x in (row.identifier, row.other)
            }.union(*(others.get(x, ()) for x in reached)).difference(reached)
        ):
            reached |= more
        own = [row for row in rows if row.identifier in reached]
        alone = customers(own, concerning(decisions, reached), shared_limit=LIMIT)
        of_whole = {i: c for i, c in whole.customer.items() if i in reached}
        assert {i: c for i, c in alone.customer.items() if i in reached} == of_whole
        assert reasons(alone) == [key for key in reasons(whole) if key[0] in reached]


@given(worlds, any_decisions())
def test_two_who_are_split_are_never_one_and_two_who_are_joined_always(
    rows: list[Pair], decisions: list[Decision]
) -> None:
    answer, overruled = customers(rows, decisions, shared_limit=LIMIT).customer, decided(decisions).overruled
    for each in decisions:
        together = answer.get(each.one, each.one) == answer.get(each.other, each.other)
        if each.action != "ignore" and each.name not in overruled:
            assert together is (each.action == "join")


@given(any_decisions())
def test_the_newest_decision_is_never_overruled(decisions: list[Decision]) -> None:
    for newest in sorted(decisions, key=lambda one: one.decided_at)[-1:]:
        assert newest.name not in decided(decisions).overruled
