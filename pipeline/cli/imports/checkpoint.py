"""How far a file has been taken, kept beside it: an import that was killed goes on from there.

Without it nothing is lost or counted twice: message ids are the same at each attempt. With it, less is read again.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

HEAD: Final = 65_536  # bytes that tell a file from another of its name and size


class Done(msgspec.Struct, frozen=True):
    """Of one file, one plan and one project."""

    file: str  # what it was: size, time of change, beginning
    plan: str
    project: str
    begun: int  # UTC ms, by the server's clock
    line: int  # all up to this one are in the log
    position: int  # where that line ends in the file as stored


def place_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.wayfare-import")


def identity_of(file: Path) -> str:
    told = file.stat()
    with file.open("rb") as opened:
        head = hashlib.sha256(opened.read(HEAD)).hexdigest()
    return f"{told.st_size}-{told.st_mtime_ns}-{head}"


def found(file: Path, plan: str, project: str) -> Done | None:
    """What stands beside the file, where it is of this very file, plan and project."""
    try:
        done = msgspec.json.decode(place_of(file).read_bytes(), type=Done)
    except (OSError, msgspec.DecodeError):
        return None
    return done if (done.file, done.plan, done.project) == (identity_of(file), plan, project) else None


def kept(file: Path, done: Done) -> bool:
    """Writes it in one step; False where the folder cannot be written to."""
    place = place_of(file)
    new = place.with_name(f"{place.name}-new")
    try:
        new.write_bytes(msgspec.json.encode(done))
        os.replace(new, place)
    except OSError:
        return False
    return True


def removed(file: Path) -> None:
    place_of(file).unlink(missing_ok=True)
