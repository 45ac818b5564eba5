"""What senders write is remembered by number and length."""

from pipeline.ingest.remembered import LONGEST, remembered


def test_a_short_text_is_worked_out_once_and_a_long_one_each_time() -> None:
    worked: list[str] = []

    @remembered(10, at=1)
    def upper(project: str, text: str) -> str:
        worked.append(text)
        return text.upper()

    long = "a" * (LONGEST + 1)
    for text in ("a", "a", long, long):
        assert upper("shop", text) == text.upper()
    assert worked == ["a", long, long]
