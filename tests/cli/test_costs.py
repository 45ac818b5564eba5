"""`wayfare costs`: the networks' files into the table, and the question that reads it."""

from pathlib import Path

from tests.cli.conftest import Command, event
from tests.ingest.costs import exports
from tests.scenarios.house import EmbeddedHouse


def test_costs_stand_beside_the_sessions_that_they_brought_however_often_they_are_imported(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    shop = embedded.project()
    page = {"context": {"campaign": {"name": "spring", "source": "google", "medium": "cpc"}}}
    shop.deliver([event("page", who, at="2026-03-01T10:00:00Z", **page) for who in ("a", "b")])
    shop.house.drained()
    google, meta = tmp_path / "google.csv", tmp_path / "meta.csv"
    google.write_bytes(exports.GOOGLE)
    meta.write_bytes(exports.META)
    for _ in range(2):
        report = wayfare("costs", str(google), str(meta), "-p", shop.name, "--json").json
        assert (report["rows"], report["stored"], report["sums_left_out"]) == (5, 4, 1)
        assert [each["line"] for each in report["not_used"]] == ["meta.csv:4"]
    whole = ("--from", "2026-03-01", "--to", "2026-03-02", "-p", shop.name)
    answer = wayfare("ask", "costs", *whole, "--json").json["result"]
    spring = next(row for row in answer["rows"] if row["value"] == "spring")
    assert (spring["cost_micros"], spring["sessions"]) == (1_540_500_000, 2)
    assert spring["cost_per_session_micros"] == 770_250_000
    drawn = wayfare("ask", "costs", "--breakdown", "source", *whole).out
    assert "1,530.50 EUR" in drawn
    assert "facebook" in drawn
    assert wayfare("costs", str(meta), "--take-back", "-p", shop.name).code == 0
    assert "facebook" not in wayfare("ask", "costs", "--breakdown", "source", *whole).out


def test_a_dry_run_shows_and_stores_nothing(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    shop = embedded.project().name
    file = tmp_path / "tiktok.csv"
    file.write_bytes(exports.TIKTOK)
    shown = wayfare("costs", str(file), "--dry-run", "-p", shop).out
    assert "would be stored" in shown
    assert "20.00 EUR" in shown
    assert wayfare("ask", "costs", "-p", shop, "--json").json["result"]["rows"] == []


def test_what_cannot_be_is_the_users_mistake(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    shop = embedded.project().name
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    for arguments in ((str(file),), ("nowhere.csv",), (str(file), "--network", "x"), (str(file), "--decimal", ";")):
        assert wayfare("costs", *arguments, "-p", shop).code == 2, arguments
