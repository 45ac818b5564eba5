"""Definitions are versioned, checked, seen through a snapshot, and keys are never stored."""

import hashlib
import threading
from typing import Any

import msgspec
import pytest

from pipeline.errors import NotFound, StoreRefused, UserMistake
from pipeline.store.definitions import Definition, Definitions
from pipeline.store.port import Store
from schemas.definitions import Decision, Filter, Funnel, Goal, Key, Project, SessionOptions, Step
from tests.store.rows import columns

BOUGHT = Goal("bought", ("order",), (Filter("$value", "gt", 10),), value_property="total")
CHECKOUT = Funnel("checkout", (Step(("view",)), Step(("order",), (Filter("colour", "in", ["red", "it's"]),))))


@pytest.fixture
def shop(store: Store) -> Definitions:
    definitions = Definitions(store)
    definitions.save(Project("shop"))
    return definitions


# The rules are the same on any store: the rest runs on chdb alone.
on_chdb = pytest.mark.parametrize("store", ["embedded"], indirect=True)


def test_what_is_saved_is_read_by_another_process_as_it_was(shop: Definitions, store: Store) -> None:
    project = Project(
        "other",
        "Europe/Berlin",
        "USD",
        SessionOptions(gap_ms=5, cap_ms=6, campaign=True),
        ("a.example",),
        ("pay.example",),
    )
    project = shop.save(project)
    goal, funnel = shop.save(BOUGHT, "other"), shop.save(CHECKOUT, "other")
    _, key = shop.new_key("other", "write", "site", "web", "server")
    elsewhere = Definitions(store)
    assert elsewhere.project("other") == project
    assert elsewhere.goals("other") == (goal,)
    assert elsewhere.keys("other") == (key,)
    # JSON has one kind of list: what was a list in a filter's value stays one.
    assert elsewhere.funnels("other") == (funnel,)
    assert [one.name for one in elsewhere.projects()] == ["other", "shop"]


@on_chdb
def test_each_save_is_the_next_version(shop: Definitions) -> None:
    assert [shop.save(BOUGHT, "shop").version for _ in range(3)] == [1, 2, 3]
    assert shop.goals("shop")[0].version == 3
    assert shop.save(Project("shop", currency="USD")).version == 2


@on_chdb
def test_versions_go_on_after_something_was_taken_back(shop: Definitions) -> None:
    shop.save(BOUGHT, "shop")
    shop.delete("goal", "shop", "bought")
    assert shop.goals("shop") == ()
    assert shop.save(BOUGHT, "shop").version == 3


@on_chdb
def test_a_project_sees_only_its_own(shop: Definitions) -> None:
    shop.save(Project("other"))
    shop.save(BOUGHT, "shop")
    assert shop.goals("other") == ()
    assert shop.funnels("other") == ()
    assert shop.keys("other") == ()


@on_chdb
def test_a_snapshot_does_not_change_and_the_next_one_does(shop: Definitions) -> None:
    before = shop.snapshot()
    shop.save(BOUGHT, "shop")
    after = shop.snapshot()
    assert before.goals["shop"] == ()
    assert [goal.name for goal in after.goals["shop"]] == ["bought"]
    with pytest.raises(TypeError):
        after.projects["x"] = Project("x")  # type: ignore[index]


@on_chdb
def test_a_snapshot_stays_the_same_object_until_something_changes(shop: Definitions, store: Store) -> None:
    before = shop.snapshot()
    assert shop.refresh() is before
    Definitions(store).save(BOUGHT, "shop")  # another process
    assert shop.snapshot() is before
    assert shop.refresh() is not before
    assert shop.snapshot().goals["shop"] != ()


@on_chdb
def test_a_snapshots_version_grows_with_every_change(shop: Definitions, store: Store) -> None:
    seen = [shop.snapshot().version]

    def changed() -> None:
        seen.append(shop.snapshot().version)

    shop.save(BOUGHT, "shop")
    changed()
    shop.new_key("shop", "read", "reader")
    changed()
    shop.revoke("shop", "reader")
    changed()
    shop.delete("goal", "shop", "bought")
    changed()
    shop.delete("project", "shop", "shop")
    changed()
    store.command("OPTIMIZE TABLE definitions FINAL")
    assert shop.refresh().version == seen[-1]
    assert seen == sorted(set(seen))


@on_chdb
def test_a_key_is_shown_once_and_stored_as_its_hash(shop: Definitions, store: Store) -> None:
    plain, key = shop.new_key("shop", "write", "site", "web", "browser")
    assert plain.startswith("wf_write_")
    assert key.hash == hashlib.sha256(plain.encode()).hexdigest()
    assert shop.snapshot().keys[key.hash] == key
    assert not [row for row in store.query("SELECT project, name, body FROM definitions") if plain in str(row)]


@on_chdb
def test_two_keys_are_different_and_of_different_names(shop: Definitions) -> None:
    assert shop.new_key("shop", "write", "one")[0] != shop.new_key("shop", "write", "two")[0]
    with pytest.raises(UserMistake) as refused:
        shop.new_key("shop", "read", "one")
    assert refused.value.code == "exists"


@on_chdb
def test_a_revoked_key_opens_nothing_and_is_still_listed(shop: Definitions) -> None:
    _, key = shop.new_key("shop", "write", "site")
    shop.revoke("shop", "site")
    assert key.hash not in shop.snapshot().keys
    assert [(one.name, one.revoked) for one in shop.keys("shop")] == [("site", True)]
    _, again = shop.new_key("shop", "write", "site")
    assert list(shop.snapshot().keys) == [again.hash]


@on_chdb
def test_a_project_is_taken_back_with_all_that_is_its_own(shop: Definitions) -> None:
    """Were its keys only hidden, they would open a later project of the same name."""
    shop.save(Project("other"))
    shop.save(BOUGHT, "other")
    shop.save(BOUGHT, "shop")
    plain, key = shop.new_key("shop", "write", "site")
    shop.delete("project", "shop", "shop")
    assert key.hash not in shop.snapshot().keys
    with pytest.raises(NotFound):
        shop.project("shop")
    shop.save(Project("shop"))
    assert shop.keys("shop") == ()
    assert shop.goals("shop") == ()
    assert len(shop.goals("other")) == 1


@on_chdb
def test_what_is_not_there_is_not_found(shop: Definitions) -> None:
    def absent(ask: Any, *arguments: Any) -> None:
        with pytest.raises(NotFound):
            ask(*arguments)

    absent(shop.project, "nowhere")
    absent(shop.goals, "nowhere")
    absent(shop.save, BOUGHT, "nowhere")
    absent(shop.new_key, "nowhere", "write", "site")
    absent(shop.delete, "goal", "shop", "bought")
    absent(shop.revoke, "shop", "site")


LONG = "x" * 101
WRONG: list[tuple[Definition, str]] = [
    (Project(""), "name"),
    (Project("Shop"), "name"),
    (Project("-shop"), "name"),
    (Project("s" * 64), "name"),
    (Project("shop", zone="Mars/Base"), "zone"),
    (Project("shop", zone="../etc/passwd"), "zone"),
    (Project("shop", currency="eur"), "currency"),
    (Project("shop", sessions=SessionOptions(gap_ms=0)), "sessions.gap_ms"),
    (Project("shop", sessions=SessionOptions(gap_ms=10, cap_ms=5)), "sessions.cap_ms"),
    (Project("shop", sessions=SessionOptions(gap_ms=1 << 62, cap_ms=1 << 63)), "sessions.cap_ms"),
    (Key(" site", "shop", "write", "0" * 64), "name"),
    (Key("site", "shop", "write", "plain text"), "hash"),
    (Key("site", "shop", "write", "0" * 64, source="My Site"), "source"),
    (Goal("", ("order",)), "name"),
    (Goal("a\nb", ("order",)), "name"),
    (Goal(LONG, ("order",)), "name"),
    (Goal("bought", ()), "events"),
    (Goal("bought", ("",)), "events"),
    (Goal("bought", ("order",), currency="€"), "currency"),
    (Goal("bought", ("order",), (Filter("", "is", 1),)), "where[0].property"),
    (Goal("bought", ("order",), (Filter("a", "is", "x"), Filter("b", "in", "red"))), "where[1].value"),
    (Goal("bought", ("order",), (Filter("b", "between", [1]),)), "where[0].value"),
    (Goal("bought", ("order",), (Filter("b", "gt", None),)), "where[0].value"),
    (Goal("bought", ("order",), (Filter("b", "regex", "("),)), "where[0].value"),
    (Funnel("checkout", ()), "steps"),
    (Funnel("checkout", (Step(("view",)),) * 33), "steps"),
    (Funnel("checkout", (Step(("view",)), Step(()))), "steps[1].events"),
    (Funnel("checkout", (Step(("view",)),), window_ms=0), "window_ms"),
]


@on_chdb
def test_what_cannot_be_meant_is_a_mistake_with_its_field(shop: Definitions) -> None:
    for definition, field in WRONG:
        with pytest.raises(UserMistake) as refused:
            shop.save(definition, "shop")  # type: ignore[type-var]
        assert refused.value.field == field, definition
    assert shop.snapshot().version == 1


@on_chdb
def test_names_may_hold_any_printable_text(shop: Definitions) -> None:
    for name in ("it's", "Käufe \\ 50 %", "購入", "a" * 100):
        shop.save(msgspec.structs.replace(BOUGHT, name=name), "shop")
    assert {goal.name for goal in shop.goals("shop")} == {"it's", "Käufe \\ 50 %", "購入", "a" * 100}


@on_chdb
def test_a_body_that_cannot_be_read_names_its_definition(shop: Definitions, store: Store) -> None:
    bad = columns("definitions", 1, project=["shop"], kind=["goal"], name=["bought"], body=['{"nome": 1}'], version=[1])
    store.insert("definitions", bad)
    with pytest.raises(StoreRefused, match="goal 'bought' of project 'shop'"):
        shop.refresh()


@on_chdb
def test_kinds_of_a_later_version_are_left_alone(shop: Definitions, store: Store) -> None:
    later = columns("definitions", 1, project=["shop"], kind=["alert"], name=["x"], body=["{}"], version=[1])
    store.insert("definitions", later)
    assert shop.refresh().version == 2
    assert shop.goals("shop") == ()


class _SlowFirstAnswer:
    """A store in front of another one; the answer to its first query is kept back until `release`."""

    def __init__(self, store: Store) -> None:
        self._store, self._is_first = store, True
        self.asked, self.release = threading.Event(), threading.Event()

    def query(self, *given: Any) -> Any:
        rows = self._store.query(*given)
        if self._is_first:
            self._is_first = False
            self.asked.set()
            self.release.wait(10)
        return rows

    def insert(self, *given: Any) -> None:
        self._store.insert(*given)


@on_chdb
def test_a_slow_look_that_began_before_a_change_does_not_undo_it(store: Store) -> None:
    slow = _SlowFirstAnswer(store)
    definitions = Definitions(slow)  # type: ignore[arg-type]
    looking = threading.Thread(target=definitions.refresh)
    saving = threading.Thread(target=definitions.save, args=(Project("new"),))
    looking.start()
    assert slow.asked.wait(10)
    saving.start()
    saving.join(0.5)
    slow.release.set()
    looking.join(10)
    saving.join(10)
    assert "new" in definitions.snapshot().projects


def test_a_decision_is_read_by_another_process_and_revoked_it_is_listed_and_not_in_force(
    shop: Definitions, store: Store
) -> None:
    later = shop.save(Decision("2" * 16, "join", 5, 6, "one person", "ops", 20), "shop")
    first = shop.save(Decision("f" * 16, "ignore", (1 << 63) + 1, 0, "a shared address", "ops", 10), "shop")
    elsewhere = Definitions(store)
    assert elsewhere.decisions("shop") == (first, later)
    assert set(elsewhere.snapshot().decisions["shop"]) == {first, later}
    gone = shop.save(
        msgspec.structs.replace(first, revoked=True, revoked_at=30, revoked_by="ops", revoked_reason="hers"), "shop"
    )
    elsewhere.refresh()
    assert elsewhere.decisions("shop") == (gone, later)
    assert elsewhere.snapshot().decisions["shop"] == (later,)
    assert gone.version == 2


@on_chdb
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "7"}, "name"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 1001}, "reason"),
        ({"other": 1}, "identifier"),
        ({"other": 0}, "identifier"),
        ({"revoked": True}, "reason"),
    ],
)
def test_a_decision_names_two_identifiers_and_a_reason(shop: Definitions, change: dict[str, Any], field: str) -> None:
    right = Decision("1" * 16, "split", 1, 2, "because", "ops", 1)
    with pytest.raises(UserMistake) as refused:
        shop.save(msgspec.structs.replace(right, **change), "shop")
    assert refused.value.field == field
    assert shop.decisions("shop") == ()
