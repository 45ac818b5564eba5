"""Faults can be planted, and are noticed. All of them: `python -m tests.mutations`."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests import mutations
from tests.mutations import FAULTS, HOUSE, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_place_of_a_fault_is_there_once(fault: Fault) -> None:
    mutations.planted(fault, (HOUSE / fault.file).read_text("utf-8"))
    assert all((HOUSE / "tests" / f"{each}.py").exists() for each in fault.suspects)


def test_a_fault_whose_place_is_gone_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="0 times"):
        mutations.planted(FAULTS[0], "")


def test_there_are_faults_of_the_core_and_of_the_agents_each_with_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    folders = Counter(Path(fault.file).parts[0] for fault in FAULTS)
    assert min(folders["pipeline"], folders["agents"]) >= 15


@pytest.mark.parametrize("name", ["the gap is off by one", "marks before writes"])
def test_a_planted_fault_is_noticed(name: str, tmp_path: Path) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    with closing(mutations.House(tmp_path)) as house:
        assert house.tried(fault)
