"""`wayfare webhook`: a mapping is tried, set, served and taken back."""

from pathlib import Path

import httpx

from tests.cli.conftest import Command
from tests.scenarios.house import EmbeddedHouse

RULES = '[[event]]\nevent = "Store Visited"\nuser_id = "$.who"\nrest = true\n'


def test_a_mapping_is_tried_set_served_and_taken_back(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    project, rules, payload = embedded.project().name, tmp_path / "visits.toml", tmp_path / "payload.json"
    rules.write_text(RULES)
    payload.write_text('{"who": "ann", "shop": "Bonn"}')
    (record,) = wayfare("webhook", "try", str(rules), str(payload), "-p", project, "--json").json["records"]
    assert record["events"][0]["becomes"]["channel"] == "store"
    rules.write_text(RULES + 'when = { path = "$.who", is = "bob" }\n')
    told = wayfare("webhook", "try", str(rules), str(payload), "-p", project, "--json").json["records"][0]["message"]
    assert told == 'no [[event]] of the mapping visits holds for it: {"who":"ann","shop":"Bonn"}'
    rules.write_text(RULES)
    done = wayfare("webhook", "set", "visits", str(rules), "-p", project, "--json").json
    assert (done["route"], done["version"]) == ("/webhooks/visits", 1)
    assert [each["name"] for each in wayfare("webhook", "list", "-p", project, "--json").json["webhooks"]] == ["visits"]
    key = wayfare("key", "create", "till", "--source-kind", "vendor", "-p", project, "--json").json["key"]
    answer = httpx.post(f"{embedded.url}/webhooks/visits", params={"key": key}, content=payload.read_bytes())
    assert answer.json() == {"success": True}
    assert "visits is gone" in wayfare("webhook", "delete", "visits", "-p", project).out
    assert httpx.post(f"{embedded.url}/webhooks/visits", params={"key": key}, content=b"{}").status_code == 404


def test_a_mapping_that_cannot_be_used_and_a_vendors_name_are_the_users_mistake(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    project, rules = embedded.project().name, tmp_path / "rules.toml"
    rules.write_text(RULES)
    for name, text in (("stripe", RULES), ("visits", "nonsense"), ("Visits!", RULES)):
        rules.write_text(text)
        assert wayfare("webhook", "set", name, str(rules), "-p", project, "--json").code == 2
    assert wayfare("webhook", "try", str(rules), str(tmp_path / "absent"), "--json").code == 2
    rules.write_text(RULES)
    assert wayfare("webhook", "try", str(rules), str(rules), "--header", "x-event=order", "--json").code == 2
