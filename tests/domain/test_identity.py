"""Pairs on one device, and the customers that they make."""

import random
from collections.abc import Iterable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import Kind, kind_of
from pipeline.domain.identity import Customers, customers, evidence, pairs
from pipeline.domain.owners import order, owners
from schemas.facts import Event, Pair
from tests.domain.making import PROJECT, email, event, phone, user, vendor

ANN, BOB, CID = user("ann"), user("bob"), user("cid")
ANNS, BOBS = email("ann@x.example"), email("bob@x.example")
PHONE, CRM, TICKET = phone("+4930123456"), vendor("crm:1"), vendor("desk:1")


def pair(one: int, other: int, at: int, kind: str = "together", device: int = 1, message: int = 0) -> Pair:
    low, high = sorted((one, other))
    return Pair(PROJECT, low, high, device, at, 0, message or at, 0, kind, "site")


def found(*events: Event, prior: int = 0) -> dict[tuple[int, int], tuple[int, int, str]]:
    """(one, other), as sorted -> (time, rank, kind)."""
    return {
        (row.identifier, row.other): (row.evidence_at, row.evidence_rank, row.kind)
        for row in pairs(sorted(events, key=order), prior)
    }


def both(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


class TestPairs:
    def test_identifiers_of_one_event_pair_up_in_the_order_of_rank(self) -> None:
        rows = pairs([event(at=5, user=ANN, email=ANNS, phone=PHONE, vendors=(CRM, TICKET), source="crm")])
        kinds = [(kind_of(row.identifier).name, kind_of(row.other).name, row.evidence_rank) for row in rows]
        assert kinds == [
            ("user", "email", 0),
            ("user", "phone", 1),
            ("user", "vendor", 2),
            ("user", "vendor", 2),
            ("email", "phone", 3),
            ("email", "vendor", 4),
            ("email", "vendor", 4),
            ("phone", "vendor", 5),
            ("phone", "vendor", 5),
            ("vendor", "vendor", 6),
        ]
        assert {(row.kind, row.source, row.evidence_at) for row in rows} == {("together", "crm", 5)}

    def test_an_event_with_one_identifier_pairs_nothing(self) -> None:
        assert not pairs([event(user=ANN), event(at=1, vendors=(CRM, CRM))])

    def test_the_earliest_evidence_of_a_pair_counts(self) -> None:
        assert found(event(at=9, user=ANN, email=ANNS), event(at=3, user=ANN, email=ANNS)) == {
            both(ANN, ANNS): (3, 0, "together")
        }

    def test_a_user_after_an_email_on_the_device_is_a_login(self) -> None:
        assert found(event(at=1, email=ANNS), event(at=2), event(at=3, user=ANN)) == {both(ANN, ANNS): (3, 7, "login")}

    def test_an_email_after_a_user_is_no_login(self) -> None:
        assert not found(event(at=1, user=ANN), event(at=2, email=ANNS))

    def test_only_the_last_owner_before_a_login_is_paired(self) -> None:
        logins = found(event(at=1, email=BOBS), event(at=2, email=ANNS), event(at=3, user=ANN))
        assert list(logins) == [both(ANN, ANNS)]

    def test_after_a_login_the_next_user_is_not_paired_with_the_email(self) -> None:
        assert list(found(event(at=1, email=ANNS), event(at=2, user=ANN), event(at=3, user=BOB))) == [both(ANN, ANNS)]

    def test_a_login_that_carries_an_email_of_its_own_pairs_with_both(self) -> None:
        assert found(event(at=1, email=ANNS), event(at=2, user=ANN, email=BOBS)) == {
            both(ANN, BOBS): (2, 0, "together"),
            both(ANN, ANNS): (2, 7, "login"),
        }

    def test_the_owner_before_the_first_event_is_an_argument(self) -> None:
        assert found(event(at=3, user=ANN), prior=ANNS) == {both(ANN, ANNS): (3, 7, "login")}
        assert not found(event(at=3, user=ANN), prior=BOB)

    def test_an_email_and_a_user_of_one_millisecond_are_a_login_and_the_email_goes_on_owning(self) -> None:
        same = event(at=1, email=ANNS, sequence=1), event(at=1, user=ANN, sequence=2)
        assert owners(list(same)) == [ANNS, ANNS]
        assert found(*same, event(at=2, user=BOB)) == {
            both(ANN, ANNS): (1, 7, "login"),
            both(BOB, ANNS): (2, 7, "login"),
        }

    def test_a_rename_pairs_two_user_ids(self) -> None:
        assert found(event("alias", at=4, user=ANN, alias_of=BOB)) == {both(ANN, BOB): (4, 8, "alias")}

    def test_a_rename_of_a_device_or_of_itself_pairs_nothing(self) -> None:
        assert not found(
            event("alias", user=ANN, alias_of=ANN), event("alias", at=1, user=ANN, alias_of=event().device)
        )


class TestCustomers:
    def test_a_chain_of_pairs_is_one_customer_named_by_its_user(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(ANNS, PHONE, 2), pair(PHONE, CRM, 3)])
        assert answer.customer == {ANNS: ANN, PHONE: ANN, CRM: ANN}

    def test_without_a_user_the_least_email_names_the_customer(self) -> None:
        low, high = both(ANNS, BOBS)
        assert customers([pair(high, PHONE, 1), pair(low, PHONE, 2)]).customer == {high: low, PHONE: low}

    def test_two_known_users_stay_two_and_the_refusal_is_kept_with_its_evidence(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(BOB, ANNS, 2, "login")])
        assert answer.customer == {ANNS: ANN}
        assert [(row.evidence_at, row.kind) for row in answer.refused] == [(2, "login")]

    def test_the_earlier_evidence_wins_however_late_it_comes(self) -> None:
        late = [pair(BOB, ANNS, 2), pair(ANN, ANNS, 1)]
        assert customers(late).customer == {ANNS: ANN}

    def test_a_refused_pair_does_not_hinder_what_else_joins(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(BOB, BOBS, 2), pair(ANNS, BOBS, 3), pair(BOBS, PHONE, 4)])
        assert answer.customer == {ANNS: ANN, BOBS: BOB, PHONE: BOB}

    def test_the_least_evidence_over_devices_counts(self) -> None:
        answer = customers([pair(ANN, ANNS, 5, device=1), pair(BOB, ANNS, 3, device=2), pair(ANN, ANNS, 1, device=3)])
        assert answer.customer == {ANNS: ANN}
        assert [row.device for row in answer.refused] == [2]

    def test_an_identifier_paired_with_more_than_ten_users_joins_nobody_not_even_the_first(self) -> None:
        known = [user(f"guest {number}") for number in range(11)]
        ten = [pair(one, PHONE, at) for at, one in enumerate(known[:10])]
        assert customers(ten).customer == {PHONE: known[0]}
        eleven = customers([*ten, pair(known[10], PHONE, 99), pair(PHONE, CRM, 100)])
        assert eleven.customer == {}
        assert eleven.shared == {PHONE}
        assert eleven.refused == []

    def test_a_shared_phone_still_lets_its_owners_other_pairs_join(self) -> None:
        rows = [pair(user(f"guest {number}"), PHONE, number) for number in range(3)] + [
            pair(ANN, PHONE, 9),
            pair(ANN, CRM, 9),
        ]
        assert customers(rows, shared_limit=3).customer == {CRM: ANN}

    def test_a_rename_joins_two_users_under_the_least_of_them(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(BOB, BOBS, 2), pair(ANN, BOB, 3, "alias")])
        least, other = both(ANN, BOB)
        assert answer.customer == {other: least, ANNS: least, BOBS: least}

    def test_names_of_one_user_refuse_each_other_neither_before_nor_after_the_rename(self) -> None:
        answer = customers([pair(ANN, ANNS, 1), pair(BOB, ANNS, 2), pair(ANN, BOB, 9, "alias"), pair(BOB, PHONE, 10)])
        assert answer.refused == []
        assert set(answer.customer.values()) == {min(ANN, BOB)}

    def test_a_third_user_is_refused_by_a_renamed_one(self) -> None:
        answer = customers([pair(ANN, BOB, 1, "alias"), pair(BOB, ANNS, 2), pair(CID, ANNS, 3)])
        assert [row.other for row in answer.refused] == [ANNS]
        assert CID not in answer.customer

    def test_nothing_joins_nothing(self) -> None:
        assert customers([]) == Customers()


# ---- laws, against a slow account of the same rules

names = st.integers(0, 3)
any_user = names.map(lambda n: user(str(n)))
any_email = names.map(lambda n: email(str(n)))
any_phone = st.integers(0, 1).map(lambda n: phone(str(n)))
any_vendor = st.integers(0, 2).map(lambda n: vendor(str(n)))
any_identifier = any_user | any_email | any_phone | any_vendor


@st.composite
def any_pair(draw: st.DrawFn) -> Pair:
    one, other = draw(any_identifier), draw(any_identifier)
    while one == other:
        other = draw(any_identifier)
    users = kind_of(one) is Kind.user and kind_of(other) is Kind.user
    row = pair(one, other, draw(st.integers(0, 6)), "alias" if users else "together", draw(st.integers(1, 3)), 7)
    return row if draw(st.booleans()) else Pair(PROJECT, row.other, row.identifier, *_rest(row))


def _rest(row: Pair) -> list[object]:
    return [getattr(row, name) for name in Pair.__struct_fields__[3:]]


worlds = st.lists(any_pair(), max_size=14)
LIMIT = 2


def slowly(rows: Iterable[Pair]) -> tuple[dict[int, int], set[tuple[int, int]], set[int]]:
    """Customers by recomputing everything that hangs together anew after every accepted pair."""
    least: dict[tuple[int, int], Pair] = {}
    for row in sorted(rows, key=evidence):
        least.setdefault(both(row.identifier, row.other), row)
    shared = {
        identifier
        for identifier in {end for key in least for end in key}
        if kind_of(identifier) is not Kind.user
        and len(
            {a if b == identifier else b for a, b in least if identifier in (a, b) and kind_of(min(a, b)) is Kind.user}
        )
        > LIMIT
    }
    accepted = {key for key, row in least.items() if row.kind == "alias"}
    refused = set()

    def hangs_together(start: int) -> set[int]:
        reached = {start}
        while more := {x for key in accepted if reached & set(key) for x in key} - reached:
            reached |= more
        return reached

    for key, row in sorted(least.items(), key=lambda item: evidence(item[1])):
        if row.kind == "alias" or shared & set(key):
            continue
        one, other = hangs_together(key[0]), hangs_together(key[1])
        known = [{x for x in part if kind_of(x) is Kind.user} for part in (one, other)]
        if one != other and all(known):
            refused.add(key)
        else:
            accepted.add(key)
    everyone = {end for key in least for end in key}
    named = {identifier: min(hangs_together(identifier)) for identifier in everyone}
    return {identifier: customer for identifier, customer in named.items() if identifier != customer}, refused, shared


def keys(rows: Iterable[Pair]) -> list[tuple[int, int]]:
    return [(row.identifier, row.other) for row in rows]


@given(worlds)
def test_customers_are_what_the_slow_account_says(rows: list[Pair]) -> None:
    answer = customers(rows, shared_limit=LIMIT)
    customer, refused, shared = slowly(rows)
    assert answer.customer == customer
    assert set(keys(answer.refused)) == refused
    assert answer.shared == shared


@given(worlds, st.randoms(use_true_random=False))
def test_customers_depend_neither_on_the_order_nor_on_the_direction_of_the_rows(
    rows: list[Pair], chance: random.Random
) -> None:
    turned = [Pair(PROJECT, row.other, row.identifier, *_rest(row)) for row in rows] + rows
    chance.shuffle(turned)
    assert customers(turned, shared_limit=LIMIT) == customers(rows, shared_limit=LIMIT)


@given(worlds)
def test_a_component_is_decided_by_its_own_pairs_alone(rows: list[Pair]) -> None:
    whole = customers(rows, shared_limit=LIMIT)
    for start in {row.identifier for row in rows}:
        reached = {start}
        while (
            more := {x for row in rows if {row.identifier, row.other} & reached for x in (row.identifier, row.other)}
            - reached
        ):
            reached |= more
        alone = customers([row for row in rows if row.identifier in reached], shared_limit=LIMIT)
        assert alone.customer == {i: c for i, c in whole.customer.items() if i in reached}
        assert keys(alone.refused) == [key for key in keys(whole.refused) if key[0] in reached]


@given(worlds)
def test_a_customer_has_one_known_user_or_names_of_one_and_a_refusal_is_between_two(rows: list[Pair]) -> None:
    answer = customers(rows, shared_limit=LIMIT)
    renames = customers([row for row in rows if row.kind == "alias"]).customer
    of_customer: dict[int, set[int]] = {}
    for identifier in {end for key in keys(rows) for end in key}:
        if kind_of(identifier) is Kind.user:
            of_customer.setdefault(answer.customer.get(identifier, identifier), set()).add(
                renames.get(identifier, identifier)
            )
    assert all(len(known) == 1 for known in of_customer.values())
    for one, other in keys(answer.refused):
        assert answer.customer.get(one, one) != answer.customer.get(other, other)


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    maybe = st.sampled_from([0, 0, 1, 2])
    rows: list[Event] = []
    for number in range(draw(st.integers(0, 10))):
        known, mail = draw(maybe), draw(maybe)
        rows.append(
            event(
                at=draw(st.integers(0, 5)),
                sequence=draw(st.integers(0, 1)),
                message_id=number,
                user=user(str(known)) if known else 0,
                email=email(str(mail)) if mail else 0,
                phone=phone("1") if draw(st.integers(0, 4)) == 4 else 0,
                vendors=tuple(draw(st.lists(any_vendor, max_size=2))),
                alias_of=user("1") if known and draw(st.integers(0, 4)) == 4 else 0,
            )
        )
    return sorted(rows, key=order)


def named_last(events: list[Event], at: int) -> int:
    """The owner named last before event `at`: in its own millisecond the first named there, else by the owners."""
    moment = events[at].occurred_at
    here = [one.user or one.email for one in events[:at] if one.occurred_at == moment and (one.user or one.email)]
    before = [one for one in events[:at] if one.occurred_at < moment]
    known = [owner for one, owner in zip(before, owners(before), strict=True) if owner != one.device]
    return (here or known[-1:] or [0])[0]


@given(any_events())
def test_pairs_are_all_that_some_event_shows_each_with_its_first_event(events: list[Event]) -> None:
    expected: dict[tuple[int, int], int] = {}
    for at, one in enumerate(events):
        together = [x for x in (one.user, one.email, one.phone, *set(one.vendors)) if x]
        shown = {both(*two) for two in combinations(together, 2)}
        last = named_last(events, at)
        if one.user and last and kind_of(last) is Kind.email:
            shown.add(both(last, one.user))
        if one.alias_of and one.alias_of != one.user:
            shown.add(both(one.alias_of, one.user))
        for key in shown:
            expected.setdefault(key, one.message_id)
    rows = pairs(events)
    assert {(row.identifier, row.other): row.evidence_message for row in rows} == expected
    assert sorted(rows, key=evidence) == rows


@given(any_events(), st.integers(0, 6))
def test_pairs_of_a_later_part_continue_from_the_owner_named_last(events: list[Event], cut: int) -> None:
    head, tail = [e for e in events if e.occurred_at < cut], [e for e in events if e.occurred_at >= cut]
    known = [owner for one, owner in zip(head, owners(head), strict=True) if owner != one.device]
    parts = {(row.identifier, row.other): row for row in pairs(tail, known[-1] if known else 0)}
    parts |= {(row.identifier, row.other): row for row in pairs(head)}
    assert parts == {(row.identifier, row.other): row for row in pairs(events)}


@pytest.mark.parametrize("count", [10, 11])
def test_refused_evidence_counts_towards_being_shared(count: int) -> None:
    rows = [pair(user(str(number)), ANNS, number) for number in range(count)]
    answer = customers(rows)
    assert len(answer.refused) == (9 if count == 10 else 0)
    assert bool(answer.shared) is (count == 11)
