"""What senders write is remembered by number and length."""

from pipeline.ingest.address import NO_TAGS, NOWHERE, address
from pipeline.ingest.remembered import LONGEST, Remembered, remembered
from pipeline.ingest.rules import Rules
from pipeline.ingest.visit import VISITS


def test_a_short_text_is_worked_out_once_and_a_long_one_each_time() -> None:
    worked: list[str] = []

    @remembered(10)
    def upper(project: str, text: str) -> str:
        worked.append(text)
        return text.upper()

    long = "a" * (LONGEST + 1)
    for text in ("a", "a", long, long):
        assert upper("shop", text) == text.upper()
    assert worked == ["a", long, long]


def test_when_it_is_full_what_came_first_goes_and_the_rest_is_still_known() -> None:
    worked: list[str] = []

    def join(one: str, other: str) -> str:
        worked.append(one)
        return one + other

    joined = Remembered(join, 4)
    for text in "abcde":
        assert joined[text, "!"] == text + "!"
    assert len(joined) == 3  # a and b have gone
    worked.clear()
    for text in "edcba":
        assert joined[text, "!"] == text + "!"
    assert worked == ["b", "a"]


def test_a_long_text_among_several_is_not_kept() -> None:
    joined = Remembered(lambda one, other: f"{one}{other}", 4)
    assert joined["a", "b" * (LONGEST + 1)] == "a" + "b" * (LONGEST + 1)
    assert len(joined) == 0


def test_of_a_visit_with_long_tags_nothing_is_kept() -> None:
    long, rules = "x" * (LONGEST + 1), Rules()
    for page, referrer, said in (
        (address(f"https://shop.example/?utm_source=news&utm_campaign={long}"), NOWHERE, NO_TAGS),
        (address(f"https://shop.example/{long}"), address(f"https://elsewhere.example/{long}"), NO_TAGS),
        (address("https://shop.example/"), NOWHERE, ("news", "email", long)),
    ):
        given = page.landing, referrer.landing, said, rules
        before = len(VISITS)
        assert VISITS[given].utm_source in ("news", "")
        assert (given in VISITS, len(VISITS)) == (False, before)
    short = (address("https://shop.example/?utm_source=news").landing, NOWHERE.landing, NO_TAGS, rules)
    assert VISITS[short] is VISITS[short]
