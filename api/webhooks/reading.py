"""Reading payloads that anybody may have written: what is not there, or of another type, is nothing."""

from collections.abc import Mapping
from email.parser import BytesHeaderParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from api.webhooks.vendor import Posted, Unmapped

Fields = Mapping[str, list[str]]
MOST_FIELDS, MOST_HEAD = 1000, 8192


def json_of(body: bytes | str) -> Any:
    """The JSON value of a body; Unmapped where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raw = body if isinstance(body, bytes) else body.encode()
        return Unmapped(raw, f"not JSON: {error}")


def json_object(body: bytes | str) -> dict[str, Any] | Unmapped:
    found = json_of(body)
    if type(found) is dict or isinstance(found, Unmapped):
        return found
    return Unmapped(found, "the payload must be a JSON object")


def get(value: Any, *path: str | int) -> Any:
    """What stands at a path of names and indices; None where the way ends."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str | int) -> str:
    """The text or whole number at a path, as text; "" for anything else."""
    # One name is what is mostly asked for, some dozen times an event.
    found = value.get(path[0]) if len(path) == 1 and type(value) is dict else get(value, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def first_text(*values: Any) -> str:
    """The first of some values that is a text or a whole number, as text; "" where none is."""
    for value in values:
        if type(value) is str:
            if value:
                return value
        elif type(value) is int:
            return str(value)
    return ""


def number(value: Any, *path: str | int) -> float | int | None:
    """The number at a path, also one written as text; None for anything else."""
    found = get(value, *path) if path else value
    if isinstance(found, str):
        try:
            found = float(found) if "." in found else int(found)
        except ValueError:
            return None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def listed(value: Any, *path: str | int) -> list[Any]:
    found = get(value, *path)
    return found if isinstance(found, list) else []


def fields(value: Any, *path: str | int) -> dict[str, Any]:
    found = get(value, *path)
    return found if isinstance(found, dict) else {}


def form_of(posted: Posted) -> Fields:
    """The fields of a form, urlencoded or multipart, each with its values in order."""
    kind = posted.headers.get("content-type", "")
    pairs: list[tuple[str, str]] = []
    if kind.partition(";")[0].strip().lower() == "multipart/form-data":
        pairs = _parts(posted.body, kind)
    else:
        decoded = posted.body.decode("utf-8", "replace")
        pairs = parse_qsl(decoded, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def first(form: Fields, name: str) -> str:
    """The first value of a form's field, "" where it is not there."""
    return (form.get(name) or [""])[0]


def _parts(body: bytes, kind: str) -> list[tuple[str, str]]:
    """Fields of a multipart form. Files, as the attachments of mails that come in, are passed over unread."""
    boundary = BytesHeaderParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode()).get_boundary()
    found: list[tuple[str, str]] = []
    if not boundary:
        return found
    for part in body.split(b"--" + boundary.encode("latin-1", "replace"), MOST_FIELDS)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if len(head) > MOST_HEAD:
            continue
        headers = BytesHeaderParser(policy=HTTP).parsebytes(head.strip(b"\r\n") + b"\r\n\r\n")
        name = headers.get_param("name", header="content-disposition")
        if isinstance(name, str) and headers.get_filename() is None:
            found.append((name, content.removesuffix(b"\r\n").decode("utf-8", "replace")))
    return found
