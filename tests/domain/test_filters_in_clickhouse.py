"""The rules of pipeline.domain.filters hold in ClickHouse as its docstring promises: same texts, same matches."""

import json
import struct
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain import filters
from tests.domain.making import event, where


def escaped(pattern: str) -> str:
    return pattern.replace("\\", "\\\\")


def document(value: Any) -> str:
    return json.dumps({"p": value, "q": {"r": value}}, ensure_ascii=False)


plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-1000, 1000, places=3).map(float)
    | plain_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_texts, inner, max_size=3),
    max_leaves=4,
)
few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(st.lists(json_values, min_size=1, max_size=40))
def test_json_extract_string_gives_the_text_of_every_value(clickhouse: Any, values: list[Any]) -> None:
    answer = clickhouse(
        "SELECT JSONExtractString(line, 'p'), JSONExtractString(line, 'q', 'r') FROM asked", [*map(document, values)]
    )
    assert answer == [[filters.text(value)] * 2 for value in values]


@few
@given(st.lists(st.from_regex(filters.NUMBER_PATTERN, fullmatch=True) | plain_texts, min_size=1, max_size=40))
def test_a_text_reads_as_the_same_number(clickhouse: Any, values: list[str]) -> None:
    sql = (
        "SELECT if(match(line, 'PATTERN'), hex(reinterpretAsUInt64(toFloat64OrNull(line))), '') FROM asked "
        "SETTINGS precise_float_parsing = 1"
    )
    answer = clickhouse(sql.replace("PATTERN", escaped(filters.NUMBER_PATTERN)), values)
    numbers = [filters.number(value) for value in values]
    bits = [None if number is None else int.from_bytes(struct.pack(">d", number)) for number in numbers]
    assert [int(row[0], 16) if row[0] else None for row in answer] == bits


@few
@given(
    st.lists(plain_texts, min_size=1, max_size=30),
    st.sampled_from(
        ["a.b", "^a", "a$", r"\s", r"\w+\d", "(?i)ä", "[^a-z]", r"\bfoo\b", r"\p{Greek}", "x|y|", "a{2,3}"]
    ),
)
def test_match_agrees_on_patterns(clickhouse: Any, values: list[str], pattern: str) -> None:
    sql = "SELECT line != '' AND match(line, 'PATTERN') FROM asked"
    answer = clickhouse(sql.replace("PATTERN", escaped(pattern)), values)
    holds = filters.compile([where("p", "regex", pattern)])
    assert [bool(row[0]) for row in answer] == [holds(event(), {"p": value}) for value in values]
