"""Who holds an embedded folder: one process, told by a lock file that ends with the process.

The file `lock` is locked with flock, so a crash frees it; its JSON says who holds it and where to ask. Its token is
as good as an admin key, hence mode 0600.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from pipeline.errors import InUse, InvalidSetting

FILE = "lock"


class Holder(msgspec.Struct, frozen=True):
    """`url` is empty while the holder does not listen (an `import` that runs the agents itself)."""

    pid: int
    command: str
    url: str = ""
    token: str = ""
    project: str = ""  # what a command means that names none


class FolderLock:
    """Holds the folders until `release`. Raises InUse where another process holds one."""

    def __init__(self, folders: Iterable[Path], holder: Holder) -> None:
        self._files: list[int] = []
        try:
            for folder in folders:
                self._files.append(_take(folder))
            self.tell(holder)
        except BaseException:
            self.release()
            raise

    def tell(self, holder: Holder) -> None:
        """Writes who holds the folders, and where it listens."""
        text = msgspec.json.encode(holder)
        for file in self._files:
            os.ftruncate(file, 0)
            os.pwrite(file, text, 0)

    def release(self) -> None:
        while self._files:
            file = self._files.pop()
            os.ftruncate(file, 0)
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder_of(folders: Iterable[Path]) -> Holder | None:
    """The living process that holds the first held folder, or None."""
    for folder in folders:
        path = folder / FILE
        try:
            file = os.open(path, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):  # what is no folder is told by who wants to hold it
            continue
        except PermissionError as error:
            raise InvalidSetting(f"{path} belongs to another user", field="data") from error
        try:
            if not _locked(file):
                return _read(file)
        finally:
            os.close(file)
    return None


def _take(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InvalidSetting(f"{folder} cannot be used: {error.strerror}", field="data") from error
    if _locked(file):
        os.fchmod(file, 0o600)
        return file
    holder = _read(file)
    os.close(file)
    where = f" at {holder.url}" if holder.url else ""
    raise InUse(f"{folder} is held by `wayfare {holder.command}`, process {holder.pid}{where}")


def _locked(file: int) -> bool:
    """Takes the lock if it is free; it goes with the descriptor."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int) -> Holder:
    text = os.pread(file, 65536, 0)
    try:
        return msgspec.json.decode(text, type=Holder)
    except msgspec.DecodeError:  # locked, and not written yet
        return Holder(pid=0, command="?")
