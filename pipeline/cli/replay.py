"""`wayfare replay`: rejected events once more through the ingest steps, after a rule or a setting was mended."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out

if TYPE_CHECKING:
    from pipeline.cli.connection import Connection


def replay(
    reason: Annotated[str, typer.Option(help="Only events rejected for this reason.")] = "",
    source: Annotated[str, typer.Option(help="Only events of this source.")] = "",
    last: options.Last = "",
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Send rejected events through ingest again; those that can be used now are counted."""
    body: dict[str, Any] = {name: value for name, value in (("reason", reason), ("source", source)) if value}
    if last:
        body["from"], body["to"] = options.span(last)
    report = options.wait_for(_replay(project, body))
    if json:
        as_json(report)
        return
    out.print(
        f"{report['replayed']:,} events replayed: {report['accepted']:,} are used now, {report['still_rejected']:,} "
        f"are still rejected. {report['unreadable']:,} cannot be replayed, as they are no events."
    )


async def _replay(project: str, body: dict[str, Any]) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "replay", project=project, agents=True) as server:
        with err.status("replaying"):
            return await replayed(server, body)


async def replayed(server: "Connection", body: dict[str, Any]) -> dict[str, Any]:
    """Replays, and counts what became of it. What comes meanwhile is neither replayed nor counted."""
    now = (await server.get("/api/v1/admin/progress"))["now"]
    await server.caught_up()
    before = await server.get(f"{server.admin}/received", until=now)
    report: dict[str, Any] = await server.post(
        f"{server.admin}/replay", {**body, "to": min(now, body.get("to", now))}, patience=None
    )
    await server.caught_up()
    after = await server.get(f"{server.admin}/received", until=now)
    gone = sum(before["rejected"].values()) - sum(after["rejected"].values())
    return report | {"accepted": gone, "still_rejected": report["replayed"] - gone}
