"""The rival of the collector: FastAPI and pydantic, which validate the same bodies and do nothing else.

    uvicorn bench.validating:app --loop uvloop --http httptools --no-access-log --log-level warning

The models are Segment's common fields with the types that its documentation gives; properties and traits are free.
No key is looked at, nothing is stored: what a real one would have to do besides is left out in its favour.
"""

from datetime import datetime
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field


class Camel(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Page(Camel):
    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None
    search: str | None = None


class Campaign(Camel):
    name: str | None = None
    source: str | None = None
    medium: str | None = None
    term: str | None = None
    content: str | None = None


class Library(Camel):
    name: str | None = None
    version: str | None = None


class Device(Camel):
    id: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    name: str | None = None
    type: str | None = None
    version: str | None = None


class Context(Camel):
    page: Page | None = None
    campaign: Campaign | None = None
    library: Library | None = None
    device: Device | None = None
    ip: str | None = None
    locale: str | None = None
    timezone: str | None = None
    user_agent: str | None = Field(None, alias="userAgent")
    traits: dict[str, Any] | None = None


class Event(Camel):
    type: Literal["track", "page", "screen", "identify", "group", "alias"]
    message_id: str = Field(alias="messageId", max_length=100)
    anonymous_id: str | None = Field(None, alias="anonymousId", max_length=255)
    user_id: str | None = Field(None, alias="userId", max_length=255)
    timestamp: datetime | None = None
    original_timestamp: datetime | None = Field(None, alias="originalTimestamp")
    sent_at: datetime | None = Field(None, alias="sentAt")
    event: str | None = None
    name: str | None = None
    category: str | None = None
    group_id: str | None = Field(None, alias="groupId")
    previous_id: str | None = Field(None, alias="previousId")
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: Context | None = None
    integrations: dict[str, Any] | None = None


class Batch(Camel):
    batch: list[Event] = Field(max_length=10_000)
    write_key: str | None = Field(None, alias="writeKey")
    sent_at: datetime | None = Field(None, alias="sentAt")
    context: Context | None = None


class Taken(BaseModel):
    success: bool = True


app = FastAPI()


@app.post("/v1/track")
async def track(event: Event) -> Taken:
    return Taken()


@app.post("/v1/batch")
async def batch(body: Batch) -> Taken:
    return Taken()
