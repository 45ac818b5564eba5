"""`wayfare identity` beside a running `up`, and on a folder that nobody holds."""

from tests.cli.conftest import Command, Folder, lines
from tests.scenarios.house import EmbeddedHouse


def test_a_customer_is_shown_split_listed_and_restored(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    people = [
        {"type": "identify", "anonymousId": f"d-{who}", "userId": who, "messageId": who, "timestamp": f"2026-03-0{n}"}
        | {"traits": {"email": "a@example.com"}}
        for n, who in enumerate(("ann", "bob"), 1)
    ]
    project.deliver(people)
    embedded.drained()
    shown = wayfare("identity", "show", "user:ann", "-p", project.name).out
    assert "refused: two_users" in shown
    assert "user bob" in shown
    made = wayfare(
        "identity",
        "split",
        "user:ann",
        "email:a@example.com",
        "--reason",
        "a shared office",
        "-p",
        project.name,
        "--json",
    ).json
    assert (made["action"], made["state"], made["by"]) == ("split", "in_force", "local")
    embedded.drained()
    graph = wayfare("identity", "show", "email:a@example.com", "-p", project.name, "--json").json
    assert graph["id"] == wayfare("identity", "show", "user:bob", "-p", project.name, "--json").json["id"]
    listed = wayfare("identity", "decisions", "-p", project.name).out
    assert "a shared office" in listed
    gone = wayfare("identity", "revoke", made["id"], "--reason", "not shared", "-p", project.name).out
    assert "revoked" in gone
    embedded.drained()
    assert project.proof()["differences"] == 0


def test_on_a_folder_that_nobody_holds_the_facts_follow_before_the_command_ends(folder: Folder) -> None:
    told = [
        {"type": "identify", "anonymousId": f"d-{who}", "userId": who, "messageId": who, "timestamp": "2026-03-01"}
        for who in ("ann", "bob")
    ]
    assert folder.wayfare("import", "-", given=lines(*told)).code == 0
    joined = folder.wayfare("identity", "join", "user:ann", "user:bob", "--reason", "one person", "--json")
    assert joined.code == 0, joined.err
    graph = folder.wayfare("identity", "show", "user:ann", "--json").out
    assert "bob" in graph
    assert folder.wayfare("identity", "recompute", "--json").json == {"identifiers": 2}
    assert folder.wayfare("verify", "--all").code == 0


def test_a_decision_without_a_reason_is_the_users_mistake(wayfare: Command) -> None:
    assert wayfare("identity", "join", "user:ann", "user:bob").code == 2
    assert wayfare("identity", "join", "user:nobody", "user:bob", "--reason", "x").code == 2
