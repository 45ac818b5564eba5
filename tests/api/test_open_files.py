import resource
from collections.abc import Iterator

import pytest

from pipeline import open_files


@pytest.fixture
def hard() -> Iterator[int]:
    """The most that the system lets this process have; what it has is put back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_server_may_have_as_many_files_open_as_the_system_lets_it(hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    open_files.raise_limit()
    enough = open_files.ENOUGH
    able = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (able, hard)


def test_a_higher_limit_stays(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "ENOUGH", 512)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    open_files.raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1_024, hard)
