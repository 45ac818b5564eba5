"""The lock of a data folder: one holder, told by name, gone with its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import InUse, InvalidSetting
from pipeline.lock import FILE, FolderLock, Holder, holder_of

ME = Holder(pid=7, command="up", url="http://127.0.0.1:1", token="t", project="shop")


def test_a_free_folder_has_no_holder(tmp_path: Path) -> None:
    assert holder_of([tmp_path]) is None
    FolderLock([tmp_path], ME).release()
    assert holder_of([tmp_path]) is None


def test_a_held_folder_tells_its_holder_and_refuses_another(tmp_path: Path) -> None:
    with FolderLock([tmp_path / "new"], ME):
        assert holder_of([tmp_path / "absent", tmp_path / "new"]) == ME
        with pytest.raises(InUse, match=r"process 7 at http://127\.0\.0\.1:1"):
            FolderLock([tmp_path / "new"], ME)
    FolderLock([tmp_path / "new"], ME).release()


def test_the_holder_can_tell_more_later(tmp_path: Path) -> None:
    with FolderLock([tmp_path], Holder(pid=7, command="import")) as lock:
        lock.tell(ME)
        assert holder_of([tmp_path]) == ME


def test_of_two_folders_both_are_held_or_none(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with FolderLock([two], ME), pytest.raises(InUse):
        FolderLock([one, two], ME)
    assert holder_of([one, two]) is None


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from pipeline.lock import *;"
        "lock = FolderLock([Path(sys.argv[1])], Holder(1, 'up')); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert holder_of([tmp_path]) == Holder(1, "up")
        child.kill()
    assert holder_of([tmp_path]) is None


def test_only_the_owner_reads_the_lock(tmp_path: Path) -> None:
    with FolderLock([tmp_path], ME):
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSetting):
        FolderLock([tmp_path / "file"], ME)
