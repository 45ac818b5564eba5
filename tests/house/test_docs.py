"""The pages: links lead somewhere, what they name exists, parts come from the code, examples are real answers."""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs import examples, pages
from docs.commands import every_command
from pipeline.settings import table, variable
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import environment

HOUSE = Path(__file__).parents[2]
PAGES = sorted([HOUSE / "README.md", HOUSE / "CHANGELOG.md", *(HOUSE / "docs").glob("*.md")])
WRITTEN = [*PAGES, *(HOUSE / "docs").glob("*.py"), *(HOUSE / "docs").glob("*.svg"), HOUSE / "docs" / "example.ndjson"]
FOR_TESTS = {"WAYFARE_TEST_KAFKA", "WAYFARE_TEST_CLICKHOUSE", "WAYFARE_TEST_"}
COMMANDS = every_command()

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[`( ])(?:\.venv/bin/)?wayfare ((?:[a-z]+)(?: [a-z]+)?)([^`\n]*)", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def anchors(page: Path) -> set[str]:
    """Names that headings have as GitHub makes them."""
    text = _FENCED.sub("", page.read_text("utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_inside_the_house_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text("utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    told = set(re.findall(r"WAYFARE_[A-Z_]*[A-Z_]", page.read_text("utf-8")))
    known = {variable(name) for name in table()} | FOR_TESTS | {"WAYFARE_CONFIG", "WAYFARE_"}
    assert told <= known


def commands_in(page: Path) -> Iterator[tuple[str, str]]:
    """(command, what follows it) wherever a page says `wayfare COMMAND` as something to type."""
    text = "\n".join(re.findall(r"`[^`\n]*`|^ {4}.*$|^\$ .*$", page.read_text("utf-8"), re.MULTILINE))
    for words, rest in _COMMAND.findall(text):
        group = words.split()[0]
        is_group = any(each.startswith(f"{group} ") for each in COMMANDS)
        yield (words if is_group else group), (rest if is_group else words[len(group) :] + rest)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for name, rest in commands_in(page):
        if name.islower() and name not in {"key", "project"}:
            assert name in COMMANDS, name
            known = {option for each in COMMANDS[name].params for option in (*each.opts, *each.secondary_opts)}
            options = re.findall(r"(?<= )-[-a-z]+", rest.partition(" && ")[0])
            assert set(options) <= known | {"--help"}, (name, rest)


def test_commands_are_found_in_pages() -> None:
    found = {name for page in PAGES for name, _ in commands_in(page)}
    assert {"up", "serve", "worker", "migrate", "ask", "verify", "key create", "project set"} <= found


def test_every_command_is_told_of_in_the_page_of_operations() -> None:
    told = (HOUSE / "docs/operations.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`wayfare {name}" not in told] == []


@pytest.mark.parametrize("page", pages.pages(), ids=named)
def test_the_parts_that_come_from_the_code_are_current(page: Path) -> None:
    assert page.read_text("utf-8") == pages.current(page), "run python -m docs.pages"


def test_every_part_stands_on_a_page() -> None:
    told = "".join(page.read_text("utf-8") for page in pages.pages())
    wanted = [*pages.PARTS, *(f"{kind} {name}" for name in pages.QUESTIONS for kind in ("question", "answer"))]
    assert [name for name in wanted if f"<!-- made: {name} -->" not in told] == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 415, 503])
def test_every_refusal_of_the_collector_is_told_of_in_the_page_of_sending(status: int) -> None:
    source = "".join(path.read_text("utf-8") for path in (HOUSE / "api/collect").glob("*.py"))
    codes = re.findall(rf'\(\s*{status},\s*"(\w+)"', source)
    told = (HOUSE / "docs/sending.md").read_text("utf-8")
    assert codes
    assert [code for code in codes if f"`{code}`" not in told] == []


def test_files_that_the_architecture_names_exist() -> None:
    text = (HOUSE / "docs/architecture.md").read_text("utf-8")
    missing = []
    for line in text.splitlines():
        folder = ""
        for name in re.findall(r"`([\w./]+(?:\.py|\.sql|/))`", line):
            path = name if "/" in name else f"{folder}/{name}"
            folder = str(Path(path).parent)
            if not (HOUSE / path).exists():
                missing.append(path)
    assert missing == []


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_no_page_tells_of_the_place_where_it_was_written(path: Path) -> None:
    text = path.read_text("utf-8")
    places = (HOUSE, HOUSE.parent, Path.home(), sys.prefix, tempfile.gettempdir())
    here = {f"{str(each).rstrip('/')}/" for each in places} - {"/"}
    assert re.findall("|".join((*map(re.escape, sorted(here)), r"issue \d")), text) == []
    links = re.findall(r"(?<!\.)\.\./[\w./-]*", text)
    assert [each for each in links if not _is_inside((path.parent / each).resolve())] == []
    assert {name for name in re.findall(r"(?<![\w/.:-])[\w/-]+\.md\b", text) if not _is_page(name)} == set()


def _is_inside(path: Path) -> bool:
    return path.exists() and HOUSE in path.parents


def _is_page(name: str) -> bool:
    return any((folder / name).exists() for folder in (HOUSE, HOUSE / "docs"))


@pytest.fixture(scope="module")
def server(running_embedded: EmbeddedHouse) -> Iterator[examples.Server]:
    running_embedded.start()
    found = examples.prepared(running_embedded.url, running_embedded.holder["token"])
    yield found
    found.http.close()


@pytest.mark.parametrize("page", [page for page in pages.pages() if list(examples.found(page))], ids=named)
def test_answers_in_examples_are_those_of_a_running_wayfare(
    page: Path, server: examples.Server, running_embedded: EmbeddedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(running_embedded.settings).items():
        monkeypatch.setenv(name, value)
    for what, shown in examples.found(page):
        assert comparable(shown) == comparable(examples.render(what, server)), what


def comparable(shown: str) -> Any:
    """What an example shows; frequent values of one frequency may come in any order."""
    answer = re.search(r"```json\n(.*)```\n", shown, re.DOTALL)
    return _sorted(json.loads(answer[1])) if answer else shown


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: sorted(map(str, each)) if name == "frequent" else _sorted(each) for name, each in value.items()}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
