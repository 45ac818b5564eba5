"""Every line of the page that compares funnels is shown by the published example that it names."""

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.facts import batch
from pipeline.domain.goals import compile_goals
from tests.api.query.conftest import House
from tests.api.query.published_funnels import AMPLITUDES, CLICKHOUSES, MIXPANELS, POSTHOGS, Numbers, Published
from tests.story import story

PAGE = (Path(__file__).parents[3] / "docs" / "funnels_compared.md").read_text("utf-8")
LINES = {
    (part.splitlines()[0], cells[-1]): (cells[1], cells[2])
    for part in PAGE.split("\n## ")[1:]
    for line in part.splitlines()
    if line.startswith("|") and not re.match(r"\|---|\| there ", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
EXAMPLES = {"Mixpanel": MIXPANELS, "Amplitude": AMPLITUDES, "PostHog": POSTHOGS, "ClickHouse": CLICKHOUSES}


def test_every_published_example_has_its_line_and_every_difference_its_reason() -> None:
    assert set(LINES) == {(whose, name) for whose, examples in EXAMPLES.items() for name in examples}
    assert {where for where, _ in LINES.values()} == {"agree", "differ"}
    assert [name for name, (where, why) in LINES.items() if where == "differ" and not why] == []


def test_the_page_names_every_page_that_is_quoted() -> None:
    assert [one.page for examples in EXAMPLES.values() for one in examples.values() if one.page not in PAGE] == []


def counts(steps: list[dict[str, Any]]) -> list[int]:
    return [step["count"] for step in steps]


def numbers(result: dict[str, Any], names: Numbers) -> Numbers:
    """Of a result those that an example tells of."""
    found = {
        "counts": counts(result["steps"]),
        "converted": result["converted"],
        "p50": (result["convert_ms"] or {}).get("p50"),
        "groups": {group["value"] or group["kind"]: counts(group["steps"]) for group in result["groups"]},
        "periods": [period["counts"] for period in result["periods"] if any(period["counts"])],
    }
    return {name: found[name] for name in names}


@pytest.fixture(scope="module")
def told(standing: House) -> dict[tuple[str, str], str]:
    """The project of each example; all are filled at once, because that costs as much as one."""
    projects, events, owners = {}, [], []
    for whose, name in LINES:
        standing.renew()
        projects[whose, name] = standing.name
        happened = story(EXAMPLES[whose][name].happened, standing.name)
        events += happened
        owners += batch(happened, standing.definitions.project(standing.name), compile_goals((), "EUR"), ()).ownerships
    standing.write(events)
    standing.write(owners)
    return projects


@pytest.mark.parametrize(("whose", "name"), LINES, ids=[": ".join(line) for line in LINES])
async def test_an_example_comes_out_as_the_page_says(
    house: House, told: dict[tuple[str, str], str], whose: str, name: str
) -> None:
    example = EXAMPLES[whose][name]
    house.name = told[whose, name]
    steps = [step if isinstance(step, dict) else {"events": step} for step in example.steps]
    answer = await house.ask("funnel", {"steps": steps} | example.asked)
    assert numbers(answer["result"], example.here) == example.here
    assert LINES[whose, name][0] == ("agree" if example.here == example.there else "differ")


MODES = {"the user of the page": "", "strict order": ", 'strict_order'"}
MODES["strict order with a repeat"] = ", 'strict_order', 'allow_reentry'"


@pytest.mark.parametrize("name", CLICKHOUSES)
def test_clickhouse_itself_gives_the_level_that_its_page_tells(standing: House, name: str) -> None:
    example: Published = CLICKHOUSES[name]
    events = story(example.happened)
    conditions = ", ".join(f"e.2 = '{step}'" for step in example.steps)
    # what no condition names is no event to windowFunnel, so a stranger needs a condition of its own
    stranger = {event.event for event in events} - set(example.steps)
    conditions += "".join(f", e.2 = '{one}'" for one in stranger)
    rows = ", ".join(f"(toUInt64({event.occurred_at}), '{event.event}')" for event in events)
    sql = f"SELECT windowFunnel(10000000000{MODES[name]})(e.1, {conditions}) FROM (SELECT arrayJoin([{rows}]) AS e)"  # noqa: S608 - of the examples alone
    assert int(standing.store.query(sql, {})[0][0]) == sum(example.there["counts"])
