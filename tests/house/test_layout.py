"""Layout and names: imports run one way, modules are nouns of a readable size, versions pinned without addresses."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PACKAGES = ("schemas", "pipeline", "agents", "api")
MODULES = sorted(path for package in PACKAGES for path in (HOUSE / package).rglob("*.py"))
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "service", "base", "common", "misc"}


def test_imports_run_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    found = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in MODULES if path.stem in NAMELESS] == []


def test_no_module_is_too_long_to_be_read() -> None:
    lengths = {path.relative_to(HOUSE): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("path", [path for path in MODULES if path.stat().st_size], ids=lambda path: str(path.name))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert path.read_text("utf-8").lstrip().startswith(('"""', 'r"""')), path


def test_the_lock_pins_every_dependency_and_names_no_address() -> None:
    lines = (HOUSE / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin) for pin in pins)
    assert "://" not in "\n".join(lines)
    declared = re.findall(r'^    "([A-Za-z0-9._-]+)[>=<]', (HOUSE / "pyproject.toml").read_text(), re.MULTILINE)
    pinned = {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins}
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in declared} <= pinned
