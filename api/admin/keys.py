"""Keys of a project: list, create, revoke. A key is shown once, when it is made."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from api.admin.access import administration, writer
from api.links.token import key_id
from api.query.questions.model import Strict
from api.runtime import Runtime
from schemas.definitions import Key, Project

Name = Annotated[str, Path(min_length=1, max_length=100)]


class NewKey(Strict):
    name: str = Field(min_length=1, max_length=100)
    kind: Literal["write", "read", "admin", "bi"]
    source: str = Field("web", max_length=63, description="write keys: the site, app, server or vendor that sends")
    source_kind: Literal["browser", "app", "server", "vendor", "import"] = Field(
        "browser", description="what a browser or an app says about itself is not trusted"
    )
    origins: list[str] = Field([], max_length=200, description="of pages that may send with it; none: the project's")


class SigningSecret(Strict):
    signing_secret: str = Field(
        max_length=4000, description="what the vendor signs its webhooks with; empty takes it off. Never shown again"
    )


class Aliases(Strict):
    aliases: list[str] = Field(
        max_length=20, description="what other trackers' clients call the site, as `matomo:1`; none takes them off"
    )


class Signer(Strict):
    anew: bool = Field(False, description="a new secret in the place of the old one: older links no longer count")


class SignerShown(BaseModel):
    kid: str = Field(description="names the key in a link's head")
    link_secret: str = Field(description="signs links and pixels of mails, by HS256; for servers that send mails")


class KeyShown(BaseModel):
    name: str
    project: str
    kind: str
    source: str
    source_kind: str
    origins: list[str]
    is_signed: bool = Field(description="webhooks of the source must be signed with its signing secret")
    aliases: list[str] = Field(description="under which other trackers' clients may send with it")
    revoked: bool

    @classmethod
    def of(cls, key: Key) -> "KeyShown":
        return cls(
            name=key.name,
            project=key.project,
            kind=key.kind,
            source=key.source if key.kind == "write" else "",
            source_kind=key.source_kind if key.kind == "write" else "",
            origins=list(key.origins),
            is_signed=bool(key.signing_secret),
            aliases=list(key.aliases),
            revoked=key.revoked,
        )


class KeyMade(KeyShown):
    key: str = Field(description="the key itself; it is not stored and never shown again")


class KeysShown(BaseModel):
    keys: list[KeyShown]


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}/keys")
    writes = Depends(writer(runtime))

    @routes.get("", operation_id="list_keys", summary="The project's keys, revoked ones too")
    async def list_keys(project: Project = writes) -> KeysShown:
        return KeysShown(keys=[KeyShown.of(key) for key in runtime.definitions.keys(project.name)])

    @routes.post("", operation_id="create_key", summary="Create a key and show it, once", status_code=201)
    async def create_key(body: NewKey, project: Project = writes) -> KeyMade:
        plain, key = await asyncio.to_thread(
            runtime.definitions.new_key,
            project.name,
            body.kind,
            body.name,
            body.source,
            body.source_kind,
            tuple(body.origins),
        )
        return KeyMade(key=plain, **KeyShown.of(key).model_dump())

    @routes.put(
        "/{name}/secret", operation_id="set_signing_secret", summary="Set what a vendor signs its webhooks with"
    )
    async def set_signing_secret(name: Name, body: SigningSecret, project: Project = writes) -> KeyShown:
        secret = body.signing_secret.strip()
        return KeyShown.of(await asyncio.to_thread(runtime.definitions.set_secret, project.name, name, secret))

    @routes.put("/{name}/aliases", operation_id="set_key_aliases", summary="Set what other trackers call the site")
    async def set_aliases(name: Name, body: Aliases, project: Project = writes) -> KeyShown:
        aliases = tuple(body.aliases)
        return KeyShown.of(await asyncio.to_thread(runtime.definitions.set_aliases, project.name, name, aliases))

    @routes.post(
        "/{name}/links", operation_id="get_link_secret", summary="What links of mails are signed with; made if need be"
    )
    async def get_link_secret(name: Name, body: Signer, project: Project = writes) -> SignerShown:
        make = runtime.definitions.link_secret
        key = await asyncio.to_thread(make, project.name, name, anew=body.anew)
        return SignerShown(kid=key_id(key), link_secret=key.link_secret)

    @routes.delete("/{name}", operation_id="revoke_key", summary="Revoke a key")
    async def revoke_key(name: Name, project: Project = writes) -> KeyShown:
        return KeyShown.of(await asyncio.to_thread(runtime.definitions.revoke, project.name, name))

    return routes
