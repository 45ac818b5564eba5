"""Tokens: signed as the standard says, read only when they are, and made by any library for them."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.links.token import Broken, Claims, hash_of, is_web, opened, signature, token
from docs.senders import EXAMPLE_CLAIMS, EXAMPLE_KID, EXAMPLE_SECRET, EXAMPLE_TOKEN
from pipeline.domain.identifiers import hashed
from pipeline.errors import UserMistake
from tests.api.links.mailing import ANN, MAILS, SECRET

NOW = 1_700_000_000_000
KID = "0123456789abcdef"
SIGNERS = {KID: MAILS}.get
DEEP = b'{"a":' + b"[" * 5000


def based(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(head: object, claims: object, secret: str = SECRET) -> str:
    """A token by hand, as somebody makes it in another language."""
    start = f"{based(head)}.{based(claims)}"
    return f"{start}.{based(hmac.new(secret.encode(), start.encode(), hashlib.sha256).digest())}"


def test_it_is_signed_as_the_example_of_the_standard() -> None:
    """RFC 7515, A.1."""
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    start = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    found = hmac.digest(key, start, "sha256")
    assert based(found) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert signature("secret", start) == hmac.digest(b"secret", start, "sha256")


def test_the_pages_example_is_what_the_code_makes() -> None:
    start = f"{based(json.dumps({'alg': 'HS256', 'kid': EXAMPLE_KID}, separators=(',', ':')).encode())}."
    start += based(EXAMPLE_CLAIMS.encode())
    assert f"{start}.{based(hmac.digest(EXAMPLE_SECRET.encode(), start.encode(), 'sha256'))}" == EXAMPLE_TOKEN


@given(user=st.text(max_size=50), mail=st.text(max_size=50), expires=st.none() | st.integers(NOW // 1000 + 1, 2**40))
def test_what_was_signed_is_what_is_read(user: str, mail: str, expires: int | None) -> None:
    claims = Claims(to="https://shop.example/", user=user, email=ANN, mail=mail, exp=expires)
    assert opened(token(KID, SECRET, claims), SIGNERS, NOW) == (MAILS, claims)


def test_one_made_in_another_language_is_read_with_claims_of_its_own() -> None:
    key, claims = opened(signed({"typ": "JWT", "alg": "HS256", "kid": KID}, {"user": "ann", "iat": 1}), SIGNERS, NOW)
    assert (key, claims) == (MAILS, Claims(user="ann"))


@given(st.data())
def test_no_letter_of_it_can_be_changed(data: st.DataObject) -> None:
    whole = token(KID, SECRET, Claims(to="https://shop.example/", user="ann"))
    place = data.draw(st.integers(0, len(whole) - 2))  # the last letter has bits that say nothing
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.").filter(
        lambda one: one != whole[place]
    ))  # fmt: skip
    with pytest.raises(Broken) as caught:
        opened(whole[:place] + letter + whole[place + 1 :], SIGNERS, NOW)
    assert caught.value.status in (400, 403)


@given(st.text(max_size=300))
def test_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(Broken):
        opened(text, SIGNERS, NOW)


@pytest.mark.parametrize(
    ("made", "status", "code"),
    [
        ("", 400, "invalid_link"),
        ("a.b", 400, "invalid_link"),
        (signed({"alg": "none", "kid": KID}, {"user": "ann"}), 400, "invalid_link"),
        (signed({"alg": "HS512", "kid": KID}, {"user": "ann"}), 400, "invalid_link"),
        (signed({"alg": "HS256"}, {"user": "ann"}), 403, "unknown_signer"),
        (signed({"alg": "HS256", "kid": "f" * 16}, {"user": "ann"}), 403, "unknown_signer"),
        (signed({"alg": "HS256", "kid": KID}, {"user": "ann"}, "another secret"), 403, "unsigned_link"),
        (signed({"alg": "HS256", "kid": KID}, {"user": "ann"}, ""), 403, "unsigned_link"),
        (signed({"alg": "HS256", "kid": KID}, {"user": "ann", "exp": NOW // 1000}), 403, "expired_link"),
        (signed({"alg": "HS256", "kid": KID}, {"mail": "m-1"}), 400, "invalid_link"),
        (signed({"alg": "HS256", "kid": KID}, {"email": "ann@example.com"}), 400, "invalid_link"),
        (signed({"alg": "HS256", "kid": KID}, {"user": "ann", "to": "javascript:alert(1)"}), 400, "invalid_link"),
        (signed({"alg": "HS256", "kid": KID}, ["ann"]), 400, "invalid_link"),
        (signed(DEEP, {"user": "ann"}), 400, "invalid_link"),
        (signed({"alg": "HS256", "kid": KID}, DEEP), 400, "invalid_link"),
    ],
)
def test_one_that_does_not_count_is_told_why(made: str, status: int, code: str) -> None:
    with pytest.raises(Broken) as caught:
        opened(made, SIGNERS, NOW)
    assert (caught.value.status, caught.value.code) == (status, code)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/", "javascript:alert(1)", "data:text/html,x", "ftp://shop.example/", "shop.example", "https://",
        "https:/shop.example", "https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example\\@evil.example/",
        "https://shop.example/ a", "https://shöp.example/", "https://shop.example:99999/",
    ],
)  # fmt: skip
def test_a_target_that_is_no_whole_address_of_a_web_page_is_never_signed(target: str) -> None:
    assert not is_web(target)
    with pytest.raises(UserMistake, match="to"):
        token(KID, SECRET, Claims(to=target, user="ann"))


def test_an_address_is_hashed_as_the_identity_of_events_is() -> None:
    assert hash_of(" Ann@Example.com ") == hashed("ann@example.com")
    with pytest.raises(UserMistake):
        hash_of("ann")
