"""Identifiers: what names a user, an e-mail or a phone, and what only looks like a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import Kind, fact_id, hashed, identifier, kind_of, normal_email, normal_phone, usable

PLACEHOLDERS = (
    [
        "empty",
        "null",
        "nil",
        "none",
        "undefined",
        "nan",
        "true",
        "false",
        "n/a",
        "anonymous",
        "guest",
        "user",
        "email",
        "id",
    ]
    + ["distinct_id", "not_authenticated", "[object Object]", "0", "-1", "000000", "0000-0000", "-", "---"]
    + ["00000000-0000-0000-0000-000000000000", "", " "]
)


@pytest.mark.parametrize("word", PLACEHOLDERS)
@pytest.mark.parametrize(
    "written",
    ["{}", "  {}\t", '"{}"', "'{}'", "`{}`", " \" '{}' \" "],
    ids=["plain", "padded", "double", "single", "tick", "both"],
)
@pytest.mark.parametrize("case", [str, str.upper, str.title], ids=["as it is", "upper", "title"])
def test_a_placeholder_is_no_identifier_however_it_is_written(word: str, written: str, case: type[str]) -> None:
    assert usable(written.format(case(word))) == ""


@pytest.mark.parametrize("word", ["nobody", "user1", "00a", "nulls", "1", "-2", "true-love", "O'Neill", "idé", "0.1"])
def test_what_only_resembles_a_placeholder_is_an_identifier(word: str) -> None:
    assert usable(word) == word


@pytest.mark.parametrize("written", [" ann ", '"ann"', "'ann'", "\"'ann'\"", "` ann `"])
def test_padding_and_quotes_are_no_part_of_an_identifier(written: str) -> None:
    assert usable(written) == "ann"


@pytest.mark.parametrize("written", ['"', "'", '""', "''\"''"])
def test_quotes_around_nothing_are_nothing(written: str) -> None:
    assert usable(written) == ""


def test_case_counts_in_a_user_id() -> None:
    assert usable("Ann") == "Ann"


@pytest.mark.parametrize(
    "written", ["Ann@Shop.Example", " ann@shop.example ", '"ann@shop.example"', "mailto:ann@shop.example"]
)
def test_an_email_is_lower_case_without_padding_and_scheme(written: str) -> None:
    assert normal_email(written) == "ann@shop.example"


@pytest.mark.parametrize(
    "written", ["ann", "@shop.example", "ann@", "ann@shop", "ann@.", "ann@.example", "a n@shop.example"]
)
def test_what_is_no_address_is_no_email(written: str) -> None:
    assert normal_email(written) == ""


@pytest.mark.parametrize("placeholder", ["email", "null", "N/A", "mailto:null", "[object Object]"])
def test_a_placeholder_is_no_email_and_no_phone(placeholder: str) -> None:
    assert normal_email(placeholder) == ""
    assert normal_phone(placeholder) == ""


@pytest.mark.parametrize(
    "written",
    [
        "+49 30 123456",
        "+49 (0)30 123456",
        "0049 30 123456",
        "tel:+49-30-123456",
        "(+49) 30/123456",
        '"+4930123456"',
        "0049 (0)30 123456",
    ],
)
def test_an_international_phone_number_is_a_plus_and_digits_however_written(written: str) -> None:
    assert normal_phone(written) == "+4930123456"


def test_a_national_phone_number_keeps_its_zero() -> None:
    assert normal_phone("(030) 123-456") == "030123456"


@pytest.mark.parametrize(
    "written",
    [
        "12345",
        "call 0301234567",
        "030 123456 ext 7",
        "0000000",
        "+000000",
        "+1234567890123456",
        "1+234567",
        "--",
        "²²²²²²²",
    ],
)
def test_what_is_no_phone_number_is_none(written: str) -> None:
    assert normal_phone(written) == ""


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normal in (usable, normal_email, normal_phone):
        assert normal(normal(text)) == normal(text)


@given(st.sampled_from(Kind), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_identifier_has_64_bits_is_never_0_and_tells_its_kind(kind: Kind, value: str) -> None:
    found = identifier("shop", kind, value)
    assert 0 < found < 1 << 64
    assert kind_of(found) is kind


def test_a_user_ranks_before_an_email_a_phone_a_vendor_id_and_a_device() -> None:
    ranked = [
        identifier("shop", kind, "same") for kind in (Kind.user, Kind.email, Kind.phone, Kind.vendor, Kind.device)
    ]
    assert ranked == sorted(ranked)
    assert len(set(ranked)) == 5


def test_the_same_value_in_another_project_or_of_another_kind_is_another_identifier() -> None:
    one = identifier("shop", Kind.user, "ann")
    assert one == identifier("shop", Kind.user, "ann")
    assert one not in (identifier("blog", Kind.user, "ann"), identifier("shop", Kind.vendor, "ann"))


def test_identifiers_and_fact_ids_stay_what_they_are_for_they_are_stored() -> None:
    assert identifier("shop", Kind.user, "ann") == 1412391995645333395
    assert fact_id("shop", 1, 2, "purchase") == 31388587959787594
    assert hashed("ann@shop.example") == "6a0bf011a1fc1e9a8add1728704b8ddb5d9d2701ae295a65452d9f1f1cf91be5"


def test_a_fact_id_depends_on_the_project_and_on_each_part() -> None:
    ids = [
        fact_id("shop", 1, 23),
        fact_id("shop", 12, 3),
        fact_id("blog", 1, 23),
        fact_id("shop", 1),
        fact_id("shop", 123),
    ]
    assert len(set(ids)) == len(ids)
