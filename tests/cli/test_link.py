"""`wayfare link`: what it makes is followed at the running collector, and is told of the right customer."""

import csv
import io
import json
from pathlib import Path

import httpx

from tests.cli.conftest import Command
from tests.scenarios.house import EmbeddedHouse

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
    "Mobile/15E148 Safari/604.1"
)
TOUCHPOINTS = (
    "SELECT channel, contact, event, is_bot FROM touchpoints FINAL "
    "WHERE project = {project:String} AND is_deleted = 0 ORDER BY started_at, event"
)


def followed(address: str, agent: str = PHONE) -> httpx.Response:
    return httpx.get(address, headers={"user-agent": agent, "accept": "text/html,image/*"})


def test_a_mailing_from_a_csv_is_opened_and_clicked_by_its_recipients(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    shop = embedded.project()
    assert wayfare("key", "create", "news", "--source-kind", "server", "-p", shop.name).code == 0
    file = tmp_path / "recipients.csv"
    file.write_text(
        "email,name,to,campaign\nAnn@Example.com,Ann,https://shop.example/a,spring\nbo@example.com,Bo,,spring\n"
    )
    ended = wayfare("link", "csv", "news", str(file), "-p", shop.name)
    assert ended.code == 0, ended.err
    ann, bo = csv.DictReader(io.StringIO(ended.out))
    assert (ann["name"], bo["name"], bo["link"]) == ("Ann", "Bo", "")
    assert "xample.com" not in ann["link"]
    sent_on = followed(ann["link"])
    assert (sent_on.status_code, sent_on.headers["location"]) == (302, "https://shop.example/a")
    assert followed(ann["pixel"]).headers["content-type"] == "image/gif"
    assert followed(bo["pixel"], "Mozilla/5.0").status_code == 200  # Apple's proxy
    assert followed(ann["link"][:-3] + "xyz").status_code == 403
    shop.house.drained()
    (touchpoints,) = shop.rows(TOUCHPOINTS)
    assert sorted(touchpoints) == [
        ("email", "engagement", "Email Link Clicked", False),
        ("email", "engagement", "Email Opened", False),
        ("email", "engagement", "Email Opened", True),
    ]
    assert [each["event"] for each in shop.customer("email:ann@example.com")["timeline"]] == [
        "Email Opened", "Email Link Clicked",
    ]  # fmt: skip
    assert '"invalid_link"' in json.dumps(shop.ask("rejected"))


def test_links_signed_before_a_new_secret_count_no_more(wayfare: Command, embedded: EmbeddedHouse) -> None:
    shop = embedded.project().name
    wayfare("key", "create", "news", "--source-kind", "vendor", "-p", shop)
    make = ("link", "make", "news", "--user", "ann", "--to", "https://shop.example/", "-p", shop, "--json")
    old, again = wayfare(*make).json, wayfare(*make).json
    assert old == again
    before = wayfare("link", "secret", "news", "-p", shop, "--json").json
    after = wayfare("link", "secret", "news", "--new", "-p", shop, "--json").json
    assert before["kid"] == after["kid"]
    assert before["link_secret"] != after["link_secret"]
    assert before["link_secret"] not in wayfare("key", "list", "-p", shop, "--json").out
    assert followed(old["link"]).status_code == 403
    assert followed(wayfare(*make).json["link"]).status_code == 302


def test_what_cannot_be_a_link_is_the_users_mistake(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    shop = embedded.project().name
    wayfare("key", "create", "site", "-p", shop)
    wayfare("key", "create", "news", "--source-kind", "server", "-p", shop)
    file = tmp_path / "recipients.csv"
    file.write_text("email\nann@example.com\nno address\n")
    for arguments in (
        ("make", "site", "--user", "ann"), ("make", "nobody", "--user", "ann"), ("make", "news"),
        ("make", "news", "--user", "ann", "--to", "shop.example"), ("make", "news", "--email", "ann"),
        ("csv", "news", str(file)), ("csv", "news", "nowhere.csv"),
    ):  # fmt: skip
        ended = wayfare("link", *arguments, "-p", shop)
        assert ended.code == 2, arguments
    assert "recipients.csv:3" in wayfare("link", "csv", "news", str(file), "-p", shop).err.replace("\n", "")
