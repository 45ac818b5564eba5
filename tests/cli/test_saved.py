"""`wayfare goal`, `funnel` and `segment`: what is saved is what is asked for, before the command ends."""

import json

from tests.cli.conftest import Command, Folder, lines
from tests.scenarios.house import EmbeddedHouse

VISITS = [
    {"event": name, "anonymousId": who, "messageId": f"{who}-{name}", "timestamp": f"2026-03-01T10:0{n}:00Z"}
    | {"type": "track", "properties": {"price": price}}
    for who, price in (("ann", 5), ("bob", 20))
    for n, name in enumerate(("Seen", "Bought"))
]


def test_a_goal_and_a_funnel_of_it_are_saved_shown_rolled_back_and_removed(
    wayfare: Command, embedded: EmbeddedHouse
) -> None:
    project = embedded.project()
    project.deliver(VISITS)
    embedded.drained()
    here = ("-p", project.name)
    goal = ("goal", "save", "deal", "--events", "Bought", "--no-wait")
    assert "version 1" in wayfare(*goal, "--where", "price>=10", *here).out
    saved = wayfare("funnel", "save", "shop", "--steps", "Seen,goal:deal", "--window", "1d", "--json", *here).json
    assert (saved["window"], [step["goal"] for step in saved["steps"]]) == (86_400_000, [None, "deal"])
    assert counts(wayfare("ask", "funnel", "--saved", "shop", "--json", *here).out) == [2, 1]
    assert "version 2" in wayfare(*goal, *here).out
    assert "Seen > deal" in wayfare("funnel", "list", *here).out
    assert "price" not in wayfare("goal", "show", "deal", *here).out
    free = wayfare("goal", "save", "free", "--events", "Seen", "--value", "0", "--no-wait", "--json", *here).json
    assert (free["value"], free["kind"]) == (0, "macro")
    assert wayfare("goal", "versions", "deal", "--json", *here).json["versions"][1]["version"] == 1
    assert "as in version 1, now 3" in wayfare("goal", "rollback", "deal", "1", "--no-wait", *here).out
    assert "price" in wayfare("goal", "show", "deal", *here).out
    assert "taken back" in wayfare("funnel", "remove", "shop", "--no-wait", *here).out
    assert wayfare("funnel", "list", "--json", *here).json == {"funnels": []}


def test_a_segment_is_saved_whole(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    here = ("-p", project.name)
    conditions = [{"kind": "did", "events": ["Bought"], "negated": True}]
    made = wayfare("segment", "save", "lookers", "--definition", json.dumps({"conditions": conditions}), *here)
    assert made.code == 0, made.err
    assert "not did" in wayfare("segment", "list", *here).out
    assert wayfare("segment", "remove", "lookers", *here).code == 0
    assert wayfare("segment", "show", "lookers", *here).code == 2


def test_what_cannot_be_saved_is_the_users_mistake_and_says_why(wayfare: Command, embedded: EmbeddedHouse) -> None:
    here = ("-p", embedded.own.name, "--json")
    assert wayfare("goal", "save", "nothing", *here).error["field"] == "definition"
    assert wayfare("goal", "save", "odd", "--definition", "[1]", *here).error["field"] == "definition"
    assert wayfare("goal", "save", "odd", "--events", "*", *here).code == 2
    assert wayfare("funnel", "save", "odd", "--steps", "Seen,goal:none", *here).error["field"] == "steps[1].goal"
    assert wayfare("funnel", "save", "odd", "--where", "a=1", *here).error["field"] == "where"
    assert wayfare("funnel", "remove", "none", *here).code == 2


def test_on_a_folder_that_nobody_holds_history_is_filled_before_the_command_ends(folder: Folder) -> None:
    assert folder.wayfare("import", "-", given=lines(*VISITS)).code == 0
    made = folder.wayfare("funnel", "save", "shop", "--steps", "Seen,Bought")
    assert made.code == 0, made.err
    answer = json.loads(folder.wayfare("ask", "funnel", "--saved", "shop", "--json").out)
    assert (counts(json.dumps(answer)), answer["warnings"]) == ([2, 2], [])


def counts(answer: str) -> list[int]:
    return [step["count"] for step in json.loads(answer)["result"]["steps"]]
