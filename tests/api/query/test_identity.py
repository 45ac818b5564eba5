"""Why a customer is one, as a graph; what operators decide about it, and the log of it."""

from typing import Any
from zlib import crc32

import pytest

from agents.outbox import pairs_partition
from schemas.log import PAIRS
from tests.api.query.conftest import House, browser
from tests.story import device, email, moment, user

CALL_CENTRE = """
    laptop  09:00     page /
    laptop  09:05     login ann email=ann@example.org user_id=ann source=site
    phone   +1 10:00  mail ann@example.org
    -       +2 11:00  called phone user=bob email=ann@example.org user_id=bob source=desk
"""
ANN, BOB, ADDRESS = "ann", "bob", "ann@example.org"


def hexadecimal(number: int) -> str:
    return f"{number:016x}"


def both(one: int, other: int) -> list[str]:
    return [hexadecimal(min(one, other)), hexadecimal(max(one, other))]


async def get(house: House, path: str, status: int = 200) -> dict[str, Any]:
    answer = await house.client.get(f"/api/v1/projects/{house.name}{path}")
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def post(house: House, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await house.client.post(f"/api/v1/projects/{house.name}{path}", json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def decide(house: House, action: str, who: str, **body: Any) -> dict[str, Any]:
    return await post(house, f"/customers/{who}/identity/{action}", {"reason": "as told on the phone"} | body)


def evidence(graph: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge for edge in graph["edges"] if edge["kind"] == "evidence"]


class TestGraph:
    async def test_it_shows_who_belongs_to_the_customer_and_who_was_refused(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        graph = await get(house, "/customers/user:ann/identity")
        assert (graph["id"], graph["kind"], graph["is_whole"]) == (hexadecimal(user(ANN)), "user", True)
        shown = {(one["id"], one["kind"], one["value"], one["is_member"]) for one in graph["nodes"]}
        assert shown == {
            (hexadecimal(user(ANN)), "user", "ann", True),
            (hexadecimal(email(ADDRESS)), "email", "", True),
            (hexadecimal(device("laptop")), "device", "", True),
            (hexadecimal(device("phone")), "device", "", True),
            (hexadecimal(user(BOB)), "user", "bob", False),
        }
        customers = {one["id"]: one["customer"] for one in graph["nodes"]}
        assert customers[hexadecimal(email(ADDRESS))] == hexadecimal(user(ANN))
        assert customers[hexadecimal(user(BOB))] == hexadecimal(user(BOB))

    async def test_every_pair_and_refusal_shows_its_evidence(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        counts, refused = evidence(await get(house, "/customers/user:ann/identity"))
        assert [counts["one"], counts["other"]] == both(user(ANN), email(ADDRESS))
        assert (counts["state"], counts["reason"], counts["first_at"]) == ("counts", "", moment("09:05"))
        (shown,) = counts["evidence"]
        assert (shown["event"], shown["kind"], shown["source"]) == ("identify", "together", "site")
        assert shown["device"] == hexadecimal(device("laptop"))
        assert [refused["one"], refused["other"]] == both(user(BOB), email(ADDRESS))
        assert (refused["state"], refused["reason"], refused["decision"]) == ("refused", "two_users", None)
        (shown,) = refused["evidence"]
        assert (shown["event"], shown["source"], shown["at"]) == ("phone called", "desk", moment("11:00", 2))

    async def test_the_refused_side_sees_the_refusal_too(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        graph = await get(house, "/customers/user:bob/identity")
        assert [(edge["state"], edge["reason"]) for edge in evidence(graph)] == [("refused", "two_users")]
        assert [one["id"] for one in graph["nodes"] if one["is_member"]] == [hexadecimal(user(BOB))]

    async def test_devices_show_whose_they_were_from_when_to_when(self, house: House) -> None:
        house.tell("tablet 09:00 page /\ntablet 09:01 login ann\ntablet 12:00 login bob")
        for who, first_at, until in (("ann", None, moment("12:00")), ("bob", moment("12:00"), None)):
            graph = await get(house, f"/customers/user:{who}/identity")
            (edge,) = graph["edges"]
            assert (edge["kind"], edge["one"], edge["other"]) == (
                "device",
                hexadecimal(user(who)),
                hexadecimal(device("tablet")),
            )
            assert (edge["first_at"], edge["until"]) == (first_at, until)
            seen = {one["kind"]: one["first_at"] for one in graph["nodes"]}
            named = moment("09:01") if who == "ann" else moment("12:00")
            assert seen == {"user": named, "device": moment("09:00") if who == "ann" else moment("12:00")}

    async def test_what_came_without_a_device_is_no_device(self, house: House) -> None:
        house.tell("- 09:00 called phone user=ann")
        graph = await get(house, "/customers/user:ann/identity")
        assert [(one["kind"], one["first_at"]) for one in graph["nodes"]] == [("user", moment("09:00"))]
        assert graph["edges"] == []

    @pytest.mark.parametrize("old", [f"email:{ADDRESS}", "the device", "user:ann"])
    async def test_an_old_id_answers_with_the_new_one(self, house: House, old: str) -> None:
        house.tell(CALL_CENTRE)
        asked = hexadecimal(device("phone")) if old == "the device" else old
        graph = await get(house, f"/customers/{asked}/identity")
        assert (graph["id"], graph["asked"]) == (hexadecimal(user(ANN)), asked)

    @pytest.mark.parametrize(
        ("asked", "status"), [("user:nobody", 404), ("00000000000000ff", 404), ("ff", 422), ("email:ann", 422)]
    )
    async def test_nobody_has_no_graph(self, house: House, asked: str, status: int) -> None:
        await get(house, f"/customers/{asked}/identity", status)

    async def test_a_decision_stands_in_the_graph_and_in_the_history(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        made = await decide(house, "split", "user:ann", identifier=f"email:{ADDRESS}")
        house.tell(CALL_CENTRE)
        graph = await get(house, "/customers/user:ann/identity")
        (pair,) = evidence(graph)
        assert (pair["state"], pair["reason"], pair["decision"]) == ("refused", "split", made["id"])
        (edge,) = [edge for edge in graph["edges"] if edge["kind"] == "split"]
        assert (edge["state"], edge["decision"], edge["first_at"]) == ("in_force", made["id"], made["decided_at"])
        assert graph["decisions"] == [made]
        await post(house, f"/identity/decisions/{made['id']}/revoke", {"reason": "it was hers"})
        graph = await get(house, "/customers/user:ann/identity")
        assert [edge for edge in graph["edges"] if edge["kind"] == "split"] == []
        assert [one["state"] for one in graph["decisions"]] == ["revoked"]


class TestDecisions:
    async def test_a_decision_keeps_who_decided_what_when_and_why(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        secret, _ = house.definitions.new_key(house.name, "admin", "ops")
        async with browser(house, secret) as client:
            answer = await client.post(
                f"/api/v1/projects/{house.name}/customers/user:ann/identity/join",
                json={"identifier": "user:bob", "reason": " one person "},
            )
        made = answer.json()
        assert (made["action"], made["by"], made["reason"], made["state"]) == ("join", "ops", "one person", "in_force")
        assert {one["id"] for one in made["identifiers"]} == {hexadecimal(user(ANN)), hexadecimal(user(BOB))}
        assert await get(house, f"/identity/decisions/{made['id']}") == made

    async def test_the_log_lists_all_newest_first_revoked_ones_with_both_reasons(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        first = await decide(house, "join", "user:ann", identifier="user:bob")
        second = await decide(house, "ignore", "user:ann", identifier=f"email:{ADDRESS}", other="user:bob")
        gone = await post(house, f"/identity/decisions/{first['id']}/revoke", {"reason": "two people after all"})
        listed = (await get(house, "/identity/decisions"))["decisions"]
        assert [one["id"] for one in listed] == [second["id"], first["id"]]
        assert listed[1] == gone
        assert (gone["reason"], gone["revoked_reason"]) == ("as told on the phone", "two people after all")
        assert (gone["state"], gone["by"], gone["revoked_by"]) == ("revoked", "local", "local")
        assert gone["revoked_at"] >= gone["decided_at"] == first["decided_at"]

    async def test_the_identity_agent_is_told_where_the_project_is_decided(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        made = await decide(house, "join", "user:ann", identifier="user:bob")
        await post(house, f"/identity/decisions/{made['id']}/revoke", {"reason": "two people"})
        ((topic, partition, note), again) = house.writer.records
        assert (topic, partition) == (PAIRS, pairs_partition(house.name, 3)) == (PAIRS, crc32(house.name.encode()) % 3)
        assert (note["p"], {note["a"], note["b"]}, note["k"]) == (house.name, {user(ANN), user(BOB)}, "define")
        assert {name: again[2][name] for name in "pabk"} == {name: note[name] for name in "pabk"}

    async def test_what_is_decided_already_makes_no_second_decision_and_is_told_again(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        first = await decide(house, "join", "user:ann", identifier="user:bob")
        assert await decide(house, "join", "user:bob", identifier="user:ann") == first
        assert len(house.writer.records) == 2
        assert len((await get(house, "/identity/decisions"))["decisions"]) == 1

    async def test_whoever_gave_the_joined_customer_his_id_both_can_be_named(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        first = await decide(house, "join", "user:ann", identifier="user:bob")
        house.tell(CALL_CENTRE)
        assert await decide(house, "join", "user:ann", identifier="user:bob") == first
        assert await decide(house, "join", "user:bob", identifier="user:ann") == first

    async def test_a_newer_decision_overrules_one_that_contradicts_it(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        old = await decide(house, "join", "user:ann", identifier="user:bob")
        house.tell(CALL_CENTRE)
        new = await decide(house, "split", "user:ann", identifier="user:ann", **{"from": "user:bob"})
        states = {one["id"]: one["state"] for one in (await get(house, "/identity/decisions"))["decisions"]}
        assert states == {old["id"]: "overruled", new["id"]: "in_force"}
        again = await decide(house, "join", "user:ann", identifier="user:bob")
        assert again["id"] not in states
        states = {one["id"]: one["state"] for one in (await get(house, "/identity/decisions"))["decisions"]}
        assert (states[again["id"]], states[new["id"]], states[old["id"]]) == ("in_force", "overruled", "in_force")

    async def test_a_device_that_somebody_owns_is_joined_by_its_owner(self, house: House) -> None:
        house.tell("tablet 09:00 login bob\nlaptop 09:00 login ann\nkiosk 09:00 page /")
        made = await decide(house, "join", "user:ann", identifier=hexadecimal(device("tablet")))
        assert {one["kind"] for one in made["identifiers"]} == {"user"}
        made = await decide(house, "join", "user:ann", identifier=hexadecimal(device("kiosk")))
        assert {one["kind"] for one in made["identifiers"]} == {"user", "device"}

    @pytest.mark.parametrize(
        ("action", "body", "status", "field"),
        [
            ("split", {"identifier": "user:bob"}, 422, "identifier"),
            ("split", {"identifier": "user:ann"}, 422, "from"),
            ("split", {"identifier": f"email:{ADDRESS}", "from": "user:bob"}, 422, "from"),
            ("split", {}, 422, "identifier"),
            ("join", {"identifier": "user:ann"}, 422, "identifier"),
            ("join", {"identifier": "user:nobody"}, 404, "identifier"),
            ("join", {"identifier": "ff"}, 422, "identifier"),
            ("ignore", {"identifier": "user:bob"}, 422, "identifier"),
            ("ignore", {"identifier": f"email:{ADDRESS}", "other": "user:cid"}, 422, "other"),
            ("join", {"identifier": "user:bob", "reason": " "}, 422, "reason"),
            ("join", {"identifier": "user:bob", "reason": ""}, 422, "reason"),
        ],
    )
    async def test_what_cannot_be_decided_is_refused_at_its_field(
        self, house: House, action: str, body: dict[str, Any], status: int, field: str
    ) -> None:
        house.tell(CALL_CENTRE)
        error = await post(house, f"/customers/user:ann/identity/{action}", {"reason": "because"} | body, status)
        assert error["error"]["field"] == field
        assert house.writer.records == []
        assert (await get(house, "/identity/decisions"))["decisions"] == []

    async def test_a_decision_needs_a_reason_and_so_does_its_end(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        await post(house, "/customers/user:ann/identity/join", {"identifier": "user:bob"}, 422)
        made = await decide(house, "join", "user:ann", identifier="user:bob")
        await post(house, f"/identity/decisions/{made['id']}/revoke", {}, 422)
        await post(house, "/identity/decisions/00000000000000ff/revoke", {"reason": "x"}, 404)

    async def test_a_read_key_sees_and_does_not_decide(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        made = await decide(house, "join", "user:ann", identifier="user:bob")
        secret, _ = house.definitions.new_key(house.name, "read", "bi")
        base = f"/api/v1/projects/{house.name}"
        body = {"identifier": f"email:{ADDRESS}", "reason": "x"}
        async with browser(house, secret) as client:
            assert (await client.get(f"{base}/customers/user:ann/identity")).status_code == 200
            assert (await client.get(f"{base}/identity/decisions")).status_code == 200
            for path in (f"customers/user:ann/identity/{action}" for action in ("join", "split", "ignore")):
                assert (await client.post(f"{base}/{path}", json=body)).status_code == 403
            revoking = await client.post(f"{base}/identity/decisions/{made['id']}/revoke", json={"reason": "x"})
            assert revoking.status_code == 403
        async with browser(house) as client:
            assert (await client.get(f"{base}/customers/user:ann/identity")).status_code == 401

    async def test_a_recompute_tells_the_agent_of_every_identifier_that_is_named(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        assert await post(house, "/identity/recompute", {}) == {"identifiers": 3}
        assert {note["a"] for _, _, note in house.writer.records} == {user(ANN), user(BOB), email(ADDRESS)}
        assert {note["a"] == note["b"] and note["k"] == "define" for _, _, note in house.writer.records} == {True}

    async def test_another_projects_decision_is_none(self, house: House) -> None:
        house.tell(CALL_CENTRE)
        made = await decide(house, "join", "user:ann", identifier="user:bob")
        house.renew()
        await get(house, f"/identity/decisions/{made['id']}", 404)
        await post(house, f"/identity/decisions/{made['id']}/revoke", {"reason": "x"}, 404)
