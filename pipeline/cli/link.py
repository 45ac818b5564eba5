"""`wayfare link`: signed links and pixels for mails, one or a CSV of them."""

import csv
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from pipeline.cli import options
from pipeline.cli.keys import running_url
from pipeline.cli.output import as_json, out
from pipeline.errors import UserMistake

app = typer.Typer(help="Signed links and pixels for mails.", no_args_is_help=True)

KeyName = Annotated[str, typer.Argument(help="Name of a write key whose source is of kind server or vendor.")]
At = Annotated[str, typer.Option(help="The collector's address, as mails have it. Default: that of this machine.")]
Days = Annotated[int, typer.Option(min=0, help="From so many days on the links count no more. 0: they always do.")]
Join = Annotated[bool, typer.Option("--join", help="Who follows a link is the recipient, on the site too.")]
COLUMNS = ("to", "user", "email", "contact", "mail", "campaign")


class Signer(NamedTuple):
    """What links are made with."""

    kid: str
    secret: str
    at: str
    expires: int | None  # seconds since 1970
    join: bool

    def links(self, given: dict[str, str]) -> dict[str, str]:
        """`pixel`, and `link` where there is a `to`. Raises UserMistake."""
        from api.links.door import LINK, PIXEL_PATH
        from api.links.token import Claims, hash_of, is_hash, token

        email = given.get("email", "").strip()
        user, contact, mail, campaign = (
            given.get(name, "").strip() for name in ("user", "contact", "mail", "campaign")
        )
        claims = Claims(
            user=user, contact=contact, mail=mail, campaign=campaign, exp=self.expires,
            email=email if not email or is_hash(email) else hash_of(email),
        )  # fmt: skip
        made = {"pixel": f"{self.at}{PIXEL_PATH}?t={token(self.kid, self.secret, claims)}"}
        if to := given.get("to", "").strip():
            claims = msgspec.structs.replace(claims, to=to, join=self.join)
            made["link"] = f"{self.at}{LINK}?t={token(self.kid, self.secret, claims)}"
        return made


@app.command("secret")
def secret(
    name: KeyName,
    anew: Annotated[bool, typer.Option("--new", help="Another secret: links made before no longer count.")] = False,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Show what a server signs links with; it is made where there is none yet."""
    told = options.wait_for(_secret(name, project, anew=anew))
    if json:
        as_json(told)
        return
    out.print(f"kid     [bold]{told['kid']}[/bold]")
    out.print(f"secret  [bold]{told['link_secret']}[/bold]", soft_wrap=True)


@app.command("make")
def make(
    name: KeyName,
    to: Annotated[str, typer.Option(help="Where the link leads. Without it there is a pixel only.")] = "",
    user: Annotated[str, typer.Option(help="The recipient's user id.")] = "",
    email: Annotated[str, typer.Option(help="The recipient's address; only its SHA-256 gets into the link.")] = "",
    contact: Annotated[str, typer.Option(help="The recipient's id in what sends the mails.")] = "",
    mail: Annotated[str, typer.Option(help="The mail's own id.")] = "",
    campaign: Annotated[str, typer.Option(help="Name of the campaign.")] = "",
    at: At = "",
    days: Days = 0,
    join: Join = False,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Make a link and a pixel for one mail."""
    given = {"to": to, "user": user, "email": email, "contact": contact, "mail": mail, "campaign": campaign}
    made = options.wait_for(_signer(name, project, at, days, join=join)).links(given)
    if json:
        as_json(made)
        return
    for what, address in made.items():
        out.print(f"{what:5}  {address}", soft_wrap=True, highlight=False, markup=False)


@app.command("csv")
def make_many(
    name: KeyName,
    file: Annotated[Path, typer.Argument(help=f"CSV with columns of {', '.join(COLUMNS)}; others are kept.")],
    at: At = "",
    days: Days = 0,
    join: Join = False,
    project: options.Project = "",
) -> None:
    """Write the CSV of a mailing to the output with columns `pixel` and `link` more."""
    with _opened(file) as opened:
        reader = csv.DictReader(opened)
        names = list(reader.fieldnames or ())
        if not set(names) & {"user", "email", "contact"}:
            raise UserMistake(f"{file} names nobody: it needs a column user, email or contact", field="FILE")
        signer = options.wait_for(_signer(name, project, at, days, join=join))
        writer = csv.DictWriter(sys.stdout, [*names, "pixel", "link"], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in reader:
            given = {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
            try:
                writer.writerow({**given, **signer.links(given)})
            except UserMistake as error:
                raise UserMistake(f"{file}:{reader.line_num}: {error.message}", field=error.field) from error


def _opened(file: Path) -> Any:
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}", field="FILE") from error


async def _signer(name: str, project: str, at: str, days: int, *, join: bool) -> Signer:
    told = await _secret(name, project, anew=False)
    expires = int(time.time()) + days * 86_400 if days else None
    return Signer(told["kid"], told["link_secret"], (at or running_url()).rstrip("/"), expires, join)


async def _secret(name: str, project: str, *, anew: bool) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "link", project=project) as server:
        return await server.post(f"{server.admin}/keys/{name}/links", {"anew": anew})
