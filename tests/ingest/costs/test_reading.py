"""Each network's export is read as it is: by its columns' names, a sum a day and campaign."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.imports.tables import table_of
from pipeline.errors import UserMistake
from pipeline.ingest.costs.networks import columns_of
from pipeline.ingest.costs.reading import Cost, Costs, Said
from tests.ingest.costs import exports


def read(folder: Path, content: bytes, said: Said | None = None, network: str = "") -> Costs:
    file = folder / "export.csv"
    file.write_bytes(content)
    found = Costs()
    found.add(*table_of(file, network), said or Said())
    return found


def cost(network: str, source: str, medium: str, micros: int, impressions: int, clicks: int, **more: str) -> Cost:
    told = {"day": "2026-03-01", "account": "", "campaign": "spring", "currency": "EUR", "campaign_id": "", **more}
    return Cost(
        network=network, source=source, medium=medium, cost_micros=micros, impressions=impressions, clicks=clicks,
        **told,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (exports.GOOGLE, [
            cost("google_ads", "google", "cpc", 1_520_500_000, 7500, 300),
            cost("google_ads", "google", "cpc", 10_000_000, 100, 5, campaign="brand"),
            cost("google_ads", "google", "cpc", 830_000, 0, 0, day="2026-03-02"),
        ]),
        (exports.GOOGLE_TSV, [
            cost(
                "google_ads", "google", "cpc", 1_520_500_000, 7500, 300, currency="USD", account="123-456",
                campaign_id="42",
            ),
        ]),
        (exports.META, [cost("meta_ads", "facebook", "paid_social", 20_000_000, 1500, 60)]),
        (exports.META_BY_DAY, [
            cost("meta_ads", "facebook", "paid_social", 1_500_000, 10, 3, day="2026-03-02", currency="USD"),
        ]),
        (exports.MICROSOFT, [cost("microsoft_ads", "bing", "cpc", 8_500_000, 400, 20, currency="USD")]),
        (exports.MICROSOFT_API, [
            cost("microsoft_ads", "bing", "cpc", 1_340_000, 42, 2, currency="GBP", campaign_id="77"),
        ]),
        (exports.LINKEDIN, [
            cost("linkedin_ads", "linkedin", "paid_social", 120_000_000, 8000, 40, account="Shop", campaign_id="555"),
        ]),
        (exports.META_GERMAN, [cost("meta_ads", "facebook", "paid_social", 1_235_330_000, 7510, 12)]),
        (exports.MICROSOFT_PAGE, [
            cost("microsoft_ads", "bing", "cpc", 1_008_500_000, 1400, 20, currency="USD", account="Shop"),
        ]),
        (exports.TIKTOK, [cost("tiktok_ads", "tiktok", "paid_social", 20_000_000, 9000, 70)]),
    ],
    ids=["google", "google tsv", "meta", "meta by day", "microsoft", "microsoft api", "linkedin", "meta german",
         "microsoft page", "tiktok"],
)  # fmt: skip
def test_an_export_tells_what_each_campaign_cost_each_day(tmp_path: Path, content: bytes, expected: list[Cost]) -> None:
    assert list(read(tmp_path, content).by_key.values()) == expected


def test_lines_of_sums_are_no_costs_and_a_row_of_several_days_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, exports.GOOGLE).totals == 1
    (wrong,) = read(tmp_path, exports.META).wrong
    assert wrong.line == 4
    assert "several days" in wrong.words


def test_a_summary_without_a_campaign_is_no_cost_and_a_campaign_called_total_is_one(tmp_path: Path) -> None:
    content = b"Campaign name,Day,Amount spent (EUR)\n,2026-03-01,9\nTotal Comfort,2026-03-01,9\nTotals,2026-03-01,9\n"
    found = read(tmp_path, content)
    assert [one.campaign for one in found.by_key.values()] == ["Total Comfort"]
    assert found.totals == 2


@pytest.mark.parametrize(
    ("row", "said", "words"),
    [
        ("soon,spring,1", Said(currency="EUR"), "no day"),
        ("2026-03-01,spring,much", Said(currency="EUR"), "no number"),
        ("2026-03-01,spring,1", Said(), "no currency"),
        ("2026-02-30,spring,1", Said(currency="EUR"), "no day"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_counts(tmp_path: Path, row: str, said: Said, words: str) -> None:
    found = read(tmp_path, f"Day,Campaign,Cost\n{row}\n".encode(), said)
    assert [words in each.words for each in found.wrong] == [True]
    assert found.by_key == {}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["12,34", "1.234,5"], [12_340_000, 1_234_500_000]),
        (["1,234.50", "7"], [1_234_500_000, 7_000_000]),
        (["1,234", "2,000"], [1_234_000_000, 2_000_000_000]),  # nothing says otherwise
        (["12,34", "12.34"], [12_340_000]),  # a mixture: what a point does not explain is named
    ],
)
def test_a_files_numbers_say_what_their_decimal_mark_is_and_none_is_read_as_another(
    tmp_path: Path, numbers: list[str], expected: list[int]
) -> None:
    rows = "".join(f'2026-03-0{day};spring;"{number}"\n' for day, number in enumerate(numbers, 1))
    found = read(tmp_path, f"Day;Campaign;Cost\n{rows}".encode(), Said(currency="EUR"))
    assert [one.cost_micros for one in found.by_key.values()] == expected
    assert len(found.wrong) == len(numbers) - len(expected)


def test_the_user_says_what_the_file_does_not(tmp_path: Path) -> None:
    said = Said(source="g", medium="ppc", currency="chf", account="eins", decimal=",", dates="%d.%m.%Y")
    found = read(tmp_path, b'Day;Campaign;Cost\n01.03.2026;spring;"1.234,50"\n', said)
    assert list(found.by_key.values()) == [
        cost("google_ads", "g", "ppc", 1_234_500_000, 0, 0, currency="CHF", account="eins")
    ]


@pytest.mark.parametrize("content", [b"", b"a,b,c\n1,2,3\n", b"\xff\xfe\x00", b"\x80\x81,\n", b'"', b"Day,Campaign\n"])
def test_a_file_without_such_a_table_is_the_users_mistake(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UserMistake):
        read(tmp_path, content)
    with pytest.raises(UserMistake, match="LinkedIn"):
        read(tmp_path, exports.GOOGLE, network="linkedin_ads")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2026-03-01", "2026-03-02"]), st.sampled_from(["a", "b"]), st.sampled_from(["EUR", "USD"]),
            st.integers(0, 10**6), st.integers(0, 100),
        )
    ),
    st.randoms(),
)  # fmt: skip
def test_rows_add_up_in_any_order_and_currencies_never_do(
    rows: list[tuple[str, str, str, int, int]], at: object
) -> None:
    columns = columns_of(["Day", "Campaign", "Currency code", "Cost", "Clicks"])
    assert columns is not None
    expected: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for day, campaign, currency, cents, clicks in rows:
        sums = expected[day, campaign, currency]
        sums[0] += cents * 10_000
        sums[1] += clicks
    lines = [
        (n, (day, name, code, f"{cents / 100:.2f}", str(clicks)))
        for n, (day, name, code, cents, clicks) in enumerate(rows)
    ]
    at.shuffle(lines)  # type: ignore[attr-defined]
    found = Costs()
    found.add(columns, lines, Said())
    assert {
        (one.day, one.campaign, one.currency): [one.cost_micros, one.clicks] for one in found.by_key.values()
    } == expected


@given(st.text(max_size=200))
def test_any_text_in_a_row_breaks_nothing(text: str) -> None:
    columns = columns_of(["Day", "Campaign", "Cost", "Impr.", "Clicks"])
    assert columns is not None
    found = Costs()
    cells = text.split(",")
    found.add(
        columns, [(1, cells), (2, ["2026-03-01", *cells]), (3, ["2026-03-01", "spring", *cells])], Said(currency="EUR")
    )
    assert found.rows + found.totals + len(found.wrong) <= 3
