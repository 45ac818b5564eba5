"""`wayfare key secret`: what a vendor signs its webhooks with, from the command line."""

import httpx

from tests.cli.conftest import Command
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until


def test_a_secret_makes_signatures_needed_and_is_never_shown(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project().name
    key = wayfare("key", "create", "forms", "--source-kind", "vendor", "-p", project, "--json").json["key"]

    def status() -> int:
        return httpx.post(f"{embedded.url}/webhooks/typeform", params={"key": key}, json={}).status_code

    until(lambda: status() == 200, "the key is known", within_s=5)
    done = wayfare("key", "secret", "forms", "--value", "geheimnis", "-p", project)
    assert (done.code, "must be signed" in done.out) == (0, True)
    until(lambda: status() == 401, "the secret is known", within_s=5)
    listed = wayfare("key", "list", "-p", project, "--json")
    assert [(one["name"], one["is_signed"]) for one in listed.json["keys"] if one["name"] == "forms"] == [
        ("forms", True)
    ]
    assert "geheimnis" not in done.out + listed.out
    assert wayfare("key", "secret", "forms", "--value", "", "-p", project).code == 0
    until(lambda: status() == 200, "the secret is off", within_s=5)


def test_a_browsers_key_has_no_secret(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project().name
    wayfare("key", "create", "site", "-p", project)
    assert wayfare("key", "secret", "site", "--value", "s", "-p", project, "--json").code == 2
