"""Webhooks of a project's own: the mappings that make events of what is posted to /webhooks/{name}."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from api.admin.access import administration, writer
from api.query.questions.model import Strict
from api.runtime import Runtime
from api.webhooks.vendors import VENDORS
from pipeline.errors import UserMistake
from schemas.definitions import Project, Webhook

Name = Annotated[str, Path(min_length=1, max_length=63)]


class WebhookBody(Strict):
    mapping: str = Field(max_length=100_000, description="TOML: which event a request becomes, and how it is signed")


class WebhookShown(BaseModel):
    name: str
    route: str
    mapping: str
    version: int

    @classmethod
    def of(cls, one: Webhook) -> "WebhookShown":
        return cls(name=one.name, route=f"/webhooks/{one.name}", mapping=one.mapping, version=one.version)


class WebhooksShown(BaseModel):
    webhooks: list[WebhookShown]


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}/webhooks")
    writes = Depends(writer(runtime))

    @routes.get("", operation_id="list_webhooks", summary="The project's own webhooks")
    async def list_webhooks(project: Project = writes) -> WebhooksShown:
        found = runtime.definitions.snapshot().webhooks.get(project.name, ())
        return WebhooksShown(webhooks=[WebhookShown.of(each) for each in found])

    @routes.put("/{name}", operation_id="set_webhook", summary="Set what is made of /webhooks/{name}")
    async def set_webhook(name: Name, body: WebhookBody, project: Project = writes) -> WebhookShown:
        if name in VENDORS:
            raise UserMistake(f"{name} is a vendor's webhook; take another name", field="name", code="exists")
        saved = await asyncio.to_thread(runtime.definitions.save, Webhook(name, body.mapping), project.name)
        return WebhookShown.of(saved)

    @routes.delete("/{name}", operation_id="delete_webhook", summary="Take a webhook back", status_code=204)
    async def delete_webhook(name: Name, project: Project = writes) -> None:
        await asyncio.to_thread(runtime.definitions.delete, "webhook", project.name, name)

    return routes
