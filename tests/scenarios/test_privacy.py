"""What a visitor may not be known by is in no log, no file of the tables, no metrics and no line that servers print."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx

from schemas.definitions import Privacy
from schemas.tables import TABLES
from tests.equipment.broker import free_ports
from tests.scenarios.house import ClusterHouse, House
from tests.scenarios.part import HOUSE, Part, environment, until
from tests.scenarios.project import Project

ADDRESS, IP, PHONE = "Quentin.Veil@private.example", "198.51.100.77", "+4915112345678"
SHORT = "2001::4d77"  # an address too
SEEN = "a-word-that-may-be-kept"
HOLDING = """SELECT sum(positionCaseInsensitive(formatRow('JSONCompactEachRow', *), {needle:String}) > 0) FROM """
NUMBERS = {".index", ".timeindex"}  # of Kafka: offsets alone, and long


def events() -> list[dict[str, object]]:
    page = {
        "url": f"https://shop.example/hello?email={quote(ADDRESS)}&to={ADDRESS}",
        "referrer": f"https://mail.example/?{ADDRESS}",
    }
    context = {"ip": IP, "page": page, "traits": {"email": ADDRESS, "phone": PHONE}}
    return [
        {"type": "page", "anonymousId": "hidden", "context": context, "properties": page},
        {
            "type": "track", "event": "Asked", "anonymousId": "hidden", "context": context,
            "properties": {"email": ADDRESS, "ip": IP, "note": f"write to {ADDRESS}", "deep": [ADDRESS], "seen": SEEN},
            "sentAt": ADDRESS,
        },
        {"type": "identify", "userId": ADDRESS, "anonymousId": "hidden", "traits": {"email": ADDRESS, "phone": PHONE}},
        {"type": "alias", "userId": "quentin", "previousId": ADDRESS},
        {"type": "track", "anonymousId": "hidden", "context": context, "properties": {"note": ADDRESS}},
        {"type": ADDRESS, "anonymousId": ADDRESS, "context": context},
        {"type": "page", "userId": "clerk"},
    ]  # fmt: skip


def odd_events() -> list[dict[str, object]]:
    """Of the usual kind but for one value."""
    places: list[dict[str, object]] = [
        {"context": {"context": {"ip": IP}}},
        {"properties": {"client": {"ip": IP, "mail": [[ADDRESS]]}}},
        {"properties": {"note": f"from {IP}", IP: 1}},
        {"properties": {"link": f"/visits/{IP}?of={ADDRESS}"}},
        {"context": {"page": {"url": f"https://shop.example/?peer={IP}"}, "userAgent": f"Veil/1.0 ({IP})"}},
        {"userId": f"visitor at {IP}"},
        {"event": f"Blocked {IP}"},
        {"properties": {"remote_addr": SHORT, "note": f"{SHORT}, /{IP} and GET /of/{IP} HTTP/1.1", f"ip_{IP}": SHORT}},
        {"properties": {"link": f"/a?peer={quote(SHORT)}&q=from%20{IP}", "to": quote(quote(ADDRESS))}},
        {"properties": {"form": json.dumps({"mail": ADDRESS, "ip": SHORT}).replace("@", "\\u0040")}},
    ]
    return [{"type": "track", "event": "Odd", "anonymousId": "odd", **each} for each in places]


def others(key: str) -> list[tuple[str, object]]:
    """(route, body) of other trackers' clients; the key comes in a header, too."""
    note = f"{ADDRESS} at {IP}"
    page = f"https://shop.example/?peer={IP}&to={quote(ADDRESS)}"
    snowplow = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    seen = {"distinct_id": ADDRESS, "$ip": IP, "ip": IP, "note": note, "$current_url": page}
    matomo = f"idsite=1&rec=1&_id=0123456789abcdef&cip={IP}&uid={quote(ADDRESS)}&e_c={quote(note)}&e_a=x"
    return [
        ("/batch/", {"api_key": key, "batch": [{"event": "Odd", "properties": seen}]}),
        ("/track", [{"event": "Odd", "properties": seen | {"token": key}}]),
        ("/api/event", {"n": "Odd", "u": page, "d": "shop.example", "p": {"note": note}}),
        ("/matomo.php?" + matomo, None),
        (
            "/com.snowplowanalytics.snowplow/tp2",
            {"schema": snowplow, "data": [{"e": "pv", "aid": key, "p": "web", "tv": "js-4", "uid": ADDRESS, "duid": "d",
                                           "eid": "odd", "ip": IP, "url": page, "page": note, "ua": note}]},
        ),
        (f"/g/collect?v=2&tid={key}&cid=1.2&en=odd&_uip={IP}&uid={quote(ADDRESS)}&dl={quote(page)}", None),
    ]  # fmt: skip


def told_elsewhere(house: House, project: Project) -> Iterator[httpx.Response]:
    """By vendors, pixels, links and imports, by who asks and administers, and by who errs."""
    note = {"event": f"{'x' * 30} {ADDRESS}", "email": ADDRESS, "ip": IP, "of": f"{SHORT} {ADDRESS}"}
    asked, text = f"{house.url}/api/v1/projects/{project.name}", f"{ADDRESS} {IP} {SHORT}"
    made = house.http.post(
        f"{house.url}/api/v1/admin/projects/{project.name}/keys",
        json={"name": "mail", "kind": "write", "source": "mail", "source_kind": "vendor"},
        headers=project.admin_headers,
    )
    hooks = f"{house.url}/webhooks/%s?key={made.json()['key']}"
    until(lambda: house.http.post(hooks % "sendgrid", json=[]).is_success, "the vendor's key is known")
    for vendor in ("sendgrid", "postmark", "mailgun", "twilio", "stripe", "cloudevents"):
        yield house.http.post(hooks % vendor, json=[note] if vendor == "sendgrid" else note)
        yield house.http.post(hooks % vendor, content=text.encode())
        yield house.http.post(hooks % vendor, data={"event": ADDRESS, "From": IP, "recipient": ADDRESS})
    yield house.http.post(hooks % quote(ADDRESS), json=note)
    lines = "\n".join((json.dumps({"type": "track", "event": "Old", "userId": ADDRESS, "properties": note}), text))
    yield project.post_raw("/v1/import", lines.encode(), **{"Content-Type": "application/x-ndjson"})
    seen = {"key": project.write_key, "event": f"Seen {ADDRESS}", "user": ADDRESS, "note": text}
    yield house.http.get(f"{house.url}/v1/pixel.gif", params=seen)
    yield house.http.get(f"{house.url}/v1/link", params={"t": text})
    yield house.http.post(f"{house.url}/v1/batch", json={"batch": [note], "writeKey": text})
    for path in (f"questions/{quote(ADDRESS)}", "questions/trend", "questions/sessions"):
        where = [{"property": "email", "operator": "is", "value": text}]
        yield house.http.post(f"{asked}/{path}", json={"events": [text], "where": where}, headers=project.admin_headers)
    for who in (f"email:{ADDRESS}", f"user:{IP}", text):
        yield house.http.get(f"{asked}/customers/{quote(who)}", headers={"Authorization": f"Bearer {text}"})
        yield house.http.get(f"{asked}/customers/{quote(who)}", headers=project.admin_headers)
    join = {"identifier": "user:clerk", "reason": f"{text} told so"}
    customer = f"{asked}/customers/{quote(f'user:{ADDRESS}')}/identity"
    yield house.http.post(f"{customer}/join", json=join, headers=project.admin_headers)


def files(house: House) -> Iterator[bytes]:
    folder = house.folder.parent if isinstance(house, ClusterHouse) else house.folder
    for inside, _, names in os.walk(folder):  # a part of a table may be gone before it is looked into
        for file in (Path(inside) / name for name in names):
            if file.is_file() and file.suffix not in NUMBERS:
                yield read(file)


def read(file: Path) -> bytes:
    try:
        return file.read_bytes().lower()
    except FileNotFoundError:  # merged away meanwhile
        return b""


def test_a_search_of_all_bytes_finds_no_address_no_mail_and_no_key(house: House) -> None:
    project = house.project()
    body = json.dumps({"batch": events(), "context": {"ip": IP}, "writeKey": project.write_key}).encode()
    told = {
        "X-Forwarded-For": IP, "Forwarded": f"for={IP}", "Content-Type": "application/json",
        "User-Agent": f"Veil/1.0 (+{ADDRESS})",
    }  # fmt: skip
    assert project.post_raw("/v1/batch", body, **told).status_code == 200
    single = {"userId": ADDRESS, "traits": {"email": ADDRESS}, "context": {"ip": IP}, "writeKey": project.write_key}
    assert project.post_raw("/v1/identify", json.dumps(single).encode(), **told).status_code == 200
    project.post_raw("/v1/batch", body[:-20], **told)  # breaks off
    assert project.post(odd_events()).status_code == 200
    assert project.post_raw("/v1/batch", b'{"batch":[{"type":"track","n":NaN,"from":"%b"}]}' % IP.encode()).is_success
    for path, sent in others(project.write_key):
        header = {"X-Write-Key": project.write_key, "X-Forwarded-For": IP, "User-Agent": f"Veil/1.0 ({ADDRESS}; {IP})"}
        content = b"" if sent is None else json.dumps(sent).encode()
        answer = house.http.post(f"{house.url}{path}", content=content, headers=header)
        assert answer.is_success, (path, answer.text)
    house.drained()
    answers = list(told_elsewhere(house, project))
    assert not [answer for answer in answers if answer.status_code >= 500]
    assert answers[-1].is_success, answers[-1].text
    house.drained()
    assert project.ask("rejected")["count"] > 0
    assert project.customer(f"email:{ADDRESS}")["id"] == project.customer(f"user:{ADDRESS}")["id"]
    assert project.ask("trend", events=["Asked"])["events"] == 1
    sought = {
        each: [each.encode().lower(), quote(each).encode().lower()]
        for each in (ADDRESS, ADDRESS[:12], IP, SHORT, PHONE, project.write_key, project.admin_key)
    }
    metrics = house.http.get(f"{house.url}/metrics", headers=house.own.admin_headers).content.lower()
    found, is_read = set(), False
    for content in (metrics, *files(house)):
        is_read |= SEEN.encode() in content
        found |= {name for name, forms in sought.items() if any(form in content for form in forms)}
    assert is_read, "the search reads what is kept"
    assert found == set()
    # The files of the tables are compressed: their rows tell.
    assert tables_with(house, SEEN, *sought) == {(SEEN, "events")}


def tables_with(house: House, *needles: str) -> set[tuple[str, str]]:
    """(text, table) where any row has the text, whatever its column."""
    asked = [(needle, name) for needle in needles for name in TABLES]
    counts = house.read(*((HOLDING + name, {"needle": needle}) for needle, name in asked))
    return {each for each, [(count,)] in zip(asked, counts, strict=True) if count}


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_server_that_is_started_by_hand_prints_no_address_and_no_key(cluster: ClusterHouse, tmp_path: Path) -> None:
    project, (port,), printed = cluster.project(), free_ports(1), tmp_path / "printed"
    url = f"http://127.0.0.1:{port}"
    with printed.open("wb") as output:
        command = [sys.executable, "-m", "uvicorn", "api.app:app", "--port", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment(cluster.settings), cwd=HOUSE)
    try:
        until(lambda: answers(url), "the server answers")
        address = f"{url}/v1/pixel.gif?key={project.write_key}&event=Seen"
        assert httpx.get(address, headers={"X-Forwarded-For": IP}).status_code == 200
    finally:
        server.terminate()
        server.wait(15)
    told = printed.read_text()
    assert "Uvicorn running" in told
    assert not [secret for secret in (project.write_key, IP, "GET /") if secret in told]


def test_without_consent_a_visit_counts_under_an_id_of_the_day_and_nobody_is_named(house: House) -> None:
    project = house.project(privacy=Privacy(consent="required", cookieless=True))
    unknown, denied, granted = ({"consent": {"state": state}} for state in ("unknown", "denied", "granted"))
    page, agent = {"type": "page", "properties": {"path": "/"}}, {"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0"}
    looks = [page | {"context": unknown, "anonymousId": "kept-elsewhere"}, page | {"userId": "ann", "name": "Shears"}]
    looks[0]["properties"] = {"path": "/", "email": ADDRESS, "phone": PHONE}
    named = {"type": "identify", "userId": "ann", "context": unknown}
    for body in (looks, [named, page | {"context": denied}], [page | {"context": granted, "anonymousId": "allowed"}]):
        sent = json.dumps({"batch": body}).encode()
        assert project.post_raw("/v1/batch", sent, **agent).status_code == 200
    house.drained()
    reasons = {row["reason"]: row["count"] for row in project.ask("rejected")["counts"]}
    assert reasons == {"cookieless_identity": 1, "consent_denied": 1}
    total = project.ask("sessions")["total"]
    assert (total["sessions"], total["customers"], total["views"]) == (2, 2, 3)
    assert project.verify().exit_code == 0
    for unknown_to_all in (f"email:{ADDRESS}", "user:ann"):
        url = f"{house.url}/api/v1/projects/{project.name}/customers/{unknown_to_all}"
        assert house.http.get(url, headers=project.admin_headers).status_code == 404
    for unseen in (b"kept-elsewhere", b"cookieless-127"):
        assert not any(unseen in content for content in files(house))


def test_visitors_behind_a_proxy_that_is_trusted_are_limited_each_for_himself(cluster: ClusterHouse) -> None:
    project, (port,) = cluster.project(), free_ports(1)
    settings = cluster.settings | {"trusted_proxies": "127.0.0.0/8", "address_rate": "1"}
    behind = Part("behind", ("serve", "--port", str(port)), settings, cluster.folder / "behind.log")
    url = f"http://127.0.0.1:{port}"

    def sends(address: str) -> int:
        told = {"X-Forwarded-For": f"192.0.2.1, {address}"}  # what the proxy itself has seen comes last
        return httpx.post(f"{url}/v1/batch", json={"batch": []}, auth=(project.write_key, ""), headers=told).status_code

    behind.start()
    try:
        until(lambda: answers(url), "the collector behind the proxy answers")
        assert {sends(f"203.0.113.{number}") for number in range(40)} == {200}
        assert 429 in [sends("203.0.113.200") for _ in range(40)]
    finally:
        behind.stop()
