"""Forms are read as the standard library reads them."""

from urllib.parse import parse_qsl, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from api.protocols.forms import form_of
from api.protocols.protocol import fields_of

TEXT = st.text(st.sampled_from('{}[]":,%+&= ~25aZü東'), min_size=1, max_size=12)


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=3), st.sampled_from((1, 300)))
def test_a_form_large_or_small_has_the_fields_that_were_put_into_it(fields: list[tuple[str, str]], times: int) -> None:
    told = {name: value * times for name, value in fields}
    assert form_of(urlencode(told).encode()) == told


@settings(max_examples=60)
@given(st.text(st.sampled_from("%2522&=+a~"), max_size=12), st.sampled_from((1, 300)))
def test_what_is_half_an_escape_is_left_as_it_is(text: str, times: int) -> None:
    body = "a=" + text.replace("&", "").replace("=", "") * times
    assert form_of(body.encode()) == dict(parse_qsl(body, keep_blank_values=True))


@settings(max_examples=100)
@given(st.text(st.sampled_from("%2540&=+aü\N{REPLACEMENT CHARACTER}"), max_size=14), st.sampled_from((1, 300)))
def test_a_query_is_read_as_a_form_is(text: str, times: int) -> None:
    query = "&".join([text] * times)
    expected = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name}
    assert fields_of(query) == form_of(query.encode()) == expected
