"""One error shape on every route, whatever went wrong.

    {"error": {"code": "stable_snake_case", "message": "what is wrong and what would be right",
               "field": "steps[2].where[0].operator", "request_id": "..."}}

A question with several wrong fields has the others in `others`, each with its own message.

`install(app)` gives every request an id (the caller's X-Request-Id where it is a plain word) and answers mistakes,
faults, pydantic's 422, 404, 405 and 500 in this shape. What a caller sent is never sent back or logged: it may hold
keys or people's data.
"""

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.errors import (
    Fault,
    Forbidden,
    InvalidQuestion,
    LogFull,
    LogUnavailable,
    NotFound,
    StoreUnavailable,
    UserMistake,
    WayfareError,
)

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_AGAIN = (StoreUnavailable, LogUnavailable, LogFull)
_CODES = {400: "invalid_input", 404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}

_SHOULD = re.compile(r"^(Input|List|Dictionary|Set|String) should ")
MOST_MISTAKES = 20  # that one answer tells of
_COUNTED = re.compile(r" after validation, not .*$")
_FORMS = {  # instead of the pattern itself
    r"\S": "must not be blank",
    r"^[0-9a-f]{16}$": "must be 16 hex digits",
}


class Unauthorized(UserMistake):
    """No key, or one that opens nothing: 401."""

    code = "unauthorized"


class TooLarge(UserMistake):
    """A body greater than the limit: 413."""

    code = "payload_too_large"


class Mistake(BaseModel):
    """Another field that is wrong."""

    field: str
    message: str = Field(description="what is wrong and what would be right")


class ErrorDetail(BaseModel):
    code: str = Field(description="stable, snake_case")
    message: str = Field(description="what is wrong and what would be right")
    field: str | None = Field(None, description="the part of the question that is wrong, as steps[2].where[0].operator")
    request_id: str
    others: list[Mistake] = Field(
        [], description=f"what else is wrong, {MOST_MISTAKES - 1} at most; left out where nothing is"
    )


class ErrorAnswer(BaseModel):
    """The answer to every request that fails."""

    error: ErrorDetail


def install(app: FastAPI) -> None:
    """Makes every answer of the app that is an error have the one shape, and every answer an X-Request-Id."""
    app.add_middleware(RequestIds)
    app.add_exception_handler(WayfareError, _wayfare)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


class RequestIds:
    """Names every request, in `scope["state"]["request_id"]` and in the answer's header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        name = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = name

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        await self.app(scope, receive, named)


def status_of(error: WayfareError) -> int:
    """HTTP status of an exception of ours."""
    match error:
        case Unauthorized():
            return 401
        case Forbidden():
            return 403
        case NotFound():
            return 404
        case TooLarge():
            return 413
        case InvalidQuestion():
            return 422
        case UserMistake():
            return 400
        case _:
            return 503 if isinstance(error, _AGAIN) else 500


def shape(error: WayfareError, request_id: str) -> dict[str, Any]:
    """The error as JSON. A fault's own words stay in the log: they may hold statements and addresses."""
    message = error.message
    if isinstance(error, Fault):
        message = (
            "cannot be answered now; try again in a moment"
            if isinstance(error, _AGAIN)
            else "something went wrong here; the log tells more under this request_id"
        )
    detail: dict[str, Any] = {"code": error.code, "message": message}
    if error.field:
        detail["field"] = error.field
    if isinstance(error, UserMistake) and error.others:
        detail["others"] = [{"field": field, "message": said} for field, said in error.others]
    return {"error": detail | {"request_id": request_id}}


def near(name: object, known: Sequence[str]) -> str:
    """ "; did you mean 'channel'?" where a known name is close, else all of them where they are few."""
    close = get_close_matches(str(name)[:100], known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    if not known:
        return "; there are none yet"
    return f"; there are {', '.join(known)}" if len(known) <= 40 else ""


def field_path(location: Sequence[str | int], body: Any = None) -> str:
    """steps[2].where[0].operator from pydantic's location; what names no field is left out."""
    parts = list(location)
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    path, inside = "", body
    for part in parts:
        if body is not None and not isinstance(inside, dict | list):
            break
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        if isinstance(inside, dict):
            inside = inside.get(part, {})
        elif isinstance(inside, list):
            inside = inside[part] if isinstance(part, int) and part < len(inside) else None
    return path


def _id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


async def _wayfare(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WayfareError)
    status = status_of(error)
    if status >= 500:
        log.error("request %s: %s: %s", _id(request), type(error).__name__, error.message)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "2"} if status == 503 else None
    return JSONResponse(shape(error, _id(request)), status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """The first wrong field as ever, then the others: one message a field, the first that is told of it."""
    assert isinstance(error, RequestValidationError)
    mistakes: dict[str, str] = {}
    for told in error.errors()[:MOST_MISTAKES]:
        field, message = _mistake(told, error.body)
        mistakes.setdefault(field, message)
    (field, message), *others = mistakes.items()
    mistake = InvalidQuestion(message, field=field)
    mistake.others = tuple(others)
    return JSONResponse(shape(mistake, _id(request)), 422)


def _mistake(told: Mapping[str, Any], body: Any) -> tuple[str, str]:
    """The field, and what is wrong with it, from one of pydantic's errors."""
    context = told.get("ctx") or {}
    field = field_path(told["loc"], body if told["loc"][:1] == ("body",) else None)
    kind, message = told["type"], str(told["msg"]).removeprefix("Value error, ")
    message = _SHOULD.sub("must ", _COUNTED.sub("", message))
    if kind == "json_invalid":
        field, message = "", "the body is not JSON"
    elif kind == "missing" and not field:
        message = "the body is missing: a question is one JSON object"
    elif kind == "missing":
        message = "is required"
    elif kind in ("model_attributes_type", "model_type", "dict_type"):
        message = "must be a JSON object"
    elif kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        close = get_close_matches(str(told.get("input"))[:100], known, n=1)
        message = f"must be {context.get('expected', 'another value')}"
        message += f"; did you mean '{close[0]}'?" if close else ""
    elif kind == "string_pattern_mismatch":
        message = _FORMS.get(context["pattern"], message)
    if context.get("field"):
        field = f"{field}.{context['field']}" if field else str(context["field"])
    return field, message


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "invalid_input" if error.status_code < 500 else "fault")
    message = {
        404: "there is nothing at this address",
        405: f"this address does not take {request.method}",
    }.get(error.status_code, str(error.detail))
    content = {"error": {"code": code, "message": message, "request_id": _id(request)}}
    return JSONResponse(content, error.status_code, error.headers)


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    """500. Starlette raises the exception on after the answer, and the server logs it."""
    return JSONResponse(shape(Fault(""), _id(request)), 500, {"X-Request-Id": _id(request)})
