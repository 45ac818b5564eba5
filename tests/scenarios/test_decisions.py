"""Operators split, join and ignore in the running system: all facts follow, and taken back they are as before."""

from typing import Any

import pytest

from tests.scenarios.house import House
from tests.scenarios.project import Project

EVERYTHING = "SELECT toString(tuple(* EXCEPT (version))) FROM {table} FINAL WHERE project = {{project:String}}"
DAY = "2026-03-0{}T10:0{}:00Z"
TABLES = ("identities", "refusals", "journeys", "conversions", "funnel_entries", "sessions", "owners", "touchpoints")


def event(name: str, who: str, day: int, minute: int = 0, **more: Any) -> dict[str, Any]:
    kind = {"type": "track", "event": name} if name[0].isupper() else {"type": name}
    at = DAY.format(day, minute)
    return kind | {"anonymousId": who, "messageId": f"{who}-{day}-{minute}", "timestamp": at, **more}


# Ann on her laptop, Bob on a tablet; the call centre's clerk logs in on both with the same address.
EVENTS = [
    event("page", "laptop", 1),
    event("identify", "laptop", 1, 1, userId="ann", traits={"email": "office@example.com"}),
    event("Viewed", "laptop", 1, 2),
    event("Bought", "tablet", 2, 1, userId="bob"),
    event("identify", "tablet", 3, 0, userId="bob", traits={"email": "office@example.com"}),
    event("page", "phone", 4, 0),
    event("identify", "phone", 4, 1, traits={"email": "office@example.com"}),
    event("Bought", "phone", 4, 2),
]


@pytest.fixture
def shop(house: House) -> Project:
    project = house.project()
    project.save("goals", {"name": "bought", "events": ["Bought"]})
    project.save("funnels", {"name": "way", "steps": [{"events": ["Viewed"]}, {"events": ["Bought"]}]})
    project.deliver(EVENTS)
    house.drained()
    return project


def settled(project: Project) -> None:
    project.house.drained()
    report = project.proof()
    assert report["differences"] == 0, report["examples"][:5]


def owned(project: Project, who: str) -> tuple[int, int, int]:
    """Sessions, conversions and journeys of a customer."""
    profile = project.customer(who)
    return profile["sessions"], profile["conversions"], len(profile["journeys"])


def converted(project: Project) -> int:
    """Customers who went the whole way, by what the agents keep of the saved funnel."""
    return int(project.ask("funnel", saved="way")["converted"])


def test_a_refused_pair_is_recorded_with_its_evidence(shop: Project) -> None:
    edges = shop.customer("user:bob", "/identity")["edges"]
    (refused,) = [edge for edge in edges if edge["kind"] == "evidence"]
    assert (refused["state"], refused["reason"], refused["evidence"][0]["event"]) == (
        "refused",
        "two_users",
        "identify",
    )
    settled(shop)


def test_a_split_reaches_all_facts_and_its_end_restores_them(shop: Project) -> None:
    assert (owned(shop, "user:ann"), converted(shop)) == ((2, 1, 1), 1)
    made = shop.decide("/customers/user:ann/identity/split", identifier="email:office@example.com")
    settled(shop)
    assert shop.customer("email:office@example.com")["id"] == shop.customer("user:bob")["id"]  # his evidence is next
    assert (owned(shop, "user:ann"), owned(shop, "user:bob"), converted(shop)) == ((1, 0, 1), (3, 2, 2), 0)
    shop.decide(f"/identity/decisions/{made['id']}/revoke")
    settled(shop)
    assert (owned(shop, "user:ann"), converted(shop)) == ((2, 1, 1), 1)
    assert shop.customer("email:office@example.com")["id"] == shop.customer("user:ann")["id"]


def test_a_join_makes_two_known_users_one_and_an_old_id_answers_with_the_new(shop: Project) -> None:
    before = {who: shop.customer(f"user:{who}")["id"] for who in ("ann", "bob")}
    made = shop.decide("/customers/user:ann/identity/join", identifier="user:bob")
    settled(shop)
    one = shop.customer("user:ann", "/identity")
    for old in before.values():
        assert shop.customer(old, "/identity")["nodes"] == one["nodes"]
        assert shop.customer(old)["id"] == one["id"] == min(before.values())
    assert [edge["state"] for edge in one["edges"] if edge["kind"] == "evidence"] == ["counts", "counts"]
    shop.decide(f"/identity/decisions/{made['id']}/revoke")
    settled(shop)
    assert {who: shop.customer(f"user:{who}")["id"] for who in ("ann", "bob")} == before


def test_evidence_that_is_ignored_joins_nobody_also_when_it_comes_again(shop: Project) -> None:
    made = shop.decide("/customers/user:ann/identity/ignore", identifier="email:office@example.com", other="user:ann")
    settled(shop)
    assert owned(shop, "user:ann") == (1, 0, 1)
    shop.deliver([event("identify", "laptop", 5, userId="ann", traits={"email": "office@example.com"})])
    settled(shop)
    assert shop.customer("email:office@example.com")["id"] == shop.customer("user:bob")["id"]
    shop.decide(f"/identity/decisions/{made['id']}/revoke")
    settled(shop)
    assert shop.customer("email:office@example.com")["id"] == shop.customer("user:ann")["id"]


def test_decisions_made_and_revoked_in_any_order_leave_every_row_as_it_was(shop: Project) -> None:
    statements = [EVERYTHING.format(table=table) for table in TABLES]
    before = [sorted(map(repr, rows)) for rows in shop.rows(*statements)]
    joined = shop.decide("/customers/user:ann/identity/join", identifier="user:bob")
    settled(shop)
    ignored = shop.decide("/customers/user:ann/identity/ignore", identifier="email:office@example.com")
    split = shop.decide("/customers/user:ann/identity/split", identifier="user:bob", **{"from": "user:ann"})
    settled(shop)
    states = {one["id"]: one["state"] for one in shop.customer("user:ann", "/identity")["decisions"]}
    assert (states[joined["id"]], states[split["id"]], states[ignored["id"]]) == ("overruled", "in_force", "in_force")
    assert owned(shop, "user:ann") == (1, 0, 1)
    for made in (split, joined, ignored):
        shop.decide(f"/identity/decisions/{made['id']}/revoke")
    settled(shop)
    assert [sorted(map(repr, rows)) for rows in shop.rows(*statements)] == before


def test_refusals_that_an_older_version_never_recorded_are_recorded_by_a_recompute(shop: Project) -> None:
    shop.rows(
        "INSERT INTO refusals SELECT * REPLACE (version + 1 AS version, 1 AS is_deleted) "
        "FROM refusals FINAL WHERE project = {project:String}"
    )
    shop.house.drained()
    assert [(one["table"], one["kind"]) for one in shop.proof()["examples"]] == [("refusals", "missing")]
    done = shop.house.command("identity", "recompute", "--project", shop.name)
    assert done.returncode == 0, done.stderr
    settled(shop)
