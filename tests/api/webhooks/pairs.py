"""Pairs of a raw webhook and what it means, from django-anymail's tests: a folder beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.webhooks.mail import MEANINGS
from api.webhooks.vendor import Posted

SHARED = Path(__file__).parents[4] / "shared" / "webhooks"
FILES = {
    "ses": "email_amazon_ses.json",
    "sendgrid": "email_sendgrid.json",
    "mailgun": "email_mailgun.json",
    "postmark": "email_postmark.json",
    "brevo": "email_brevo.json",
    "mailjet": "email_mailjet.json",
}
KIND_OF = {meaning.event: kind for kind, meaning in MEANINGS.items()}
needs_pairs = pytest.mark.skipif(not SHARED.exists(), reason=f"no folder {SHARED} with webhooks of vendors")


def cases() -> list[Any]:
    if not SHARED.exists():
        return []
    found = []
    for vendor, name in FILES.items():
        for number, case in enumerate(json.loads((SHARED / name).read_text("utf-8"))["cases"]):
            kinds = "+".join(event["event_type"] for event in case["events"])
            found.append(pytest.param(vendor, case, id=f"{vendor}-{number}-{kinds}"))
    return found


def examples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHARED / "other_vendor_examples.json").read_text("utf-8"))
    return found


def posted(case: dict[str, Any], now: int = 1_700_000_000_000) -> Posted:
    body = case["body"].encode() if "body" in case else json.dumps(case["body_json"]).encode()
    headers = {name.lower(): str(value) for name, value in case["headers"].items()}
    return Posted(body, {**headers, "content-type": case["content_type"]}, now)
