"""Fields of what is sent and of what is answered, as tables: from the models that read and write them."""

import json
import types
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.markdown import code, rows

Models = Collection[type[BaseModel]]


def fields(model: type[BaseModel], linked: Models, left_out: Sequence[str] = ()) -> str:
    """The fields of something that is sent; those of `linked` are told on the same page, and linked to."""
    lines = [
        (code(name), _type(each, linked), _default(each), each.description or "")
        for field, each in model.model_fields.items()
        if (name := each.alias or field) not in left_out
    ]
    return rows(("field", "type", "default", "meaning"), lines)


def result(model: type[BaseModel], linked: Models) -> str:
    """The fields of an answer; a field that holds objects is followed by theirs."""
    lines: list[tuple[str, str, str]] = []
    _collect(model, "", linked, lines)
    return rows(("field", "type", "meaning"), lines)


def _collect(model: type[BaseModel], prefix: str, linked: Models, lines: list[tuple[str, str, str]]) -> None:
    for field, each in model.model_fields.items():
        name, inner = each.alias or field, _model_in(each.annotation)
        told = _type(each, linked)
        lists = "[]" if inner is not None and told.startswith("list") else ""
        lines.append((code(f"{prefix}{name}{lists}"), told, each.description or ""))
        if inner is not None:
            _collect(inner, f"{prefix}{name}{lists}.", linked, lines)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


_WORDS: Final[Mapping[Any, str]] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "any",
}  # fmt: skip


def _type(each: FieldInfo, linked: Models) -> str:
    return _named(each.annotation, linked)


def _named(kind: Any, linked: Models) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _named(inside[0], linked)
    if origin is Literal:
        return ", ".join(code(value) for value in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_named(one, linked) for one in inside))
    if origin is list or origin is tuple:
        return f"list of {_named(inside[0], linked)}"
    if origin is dict:
        return "object"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__.lower()}](#{kind.__name__.lower()})" if kind in linked else "object"
    return _WORDS[kind]


def _default(each: FieldInfo) -> str:
    if each.default is PydanticUndefined:
        return "required"
    if isinstance(each.default, BaseModel):
        return code(json.dumps(each.default.model_dump(by_alias=True)))
    return code(json.dumps(each.default))
