"""Snowplow's enriched events: lines of 131 columns with tabs between them, by the canonical event model."""

from typing import Any, Final

from pipeline.ingest.exports.export import Event, Export, fields, number, text, there

_COLUMNS: Final = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector
v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country geo_region
geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url
page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment
refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term
mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property se_value
unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku
ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name
br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash br_features_java
br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears
br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height tr_currency
tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network
etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
event_vendor event_name event_format event_version event_fingerprint true_tstamp
"""
COLUMNS: Final = tuple(_COLUMNS.split())
_TYPES: Final = {"page_view": "page", "screen_view": "screen"}


def events(record: Any) -> list[Event] | None:
    cells = record.split("\t") if isinstance(record, str) else []
    # The line's ends may have been cut off: empty columns of them are nothing.
    if not 100 <= len(cells) <= len(COLUMNS):
        return None
    row = dict(zip(COLUMNS, cells, strict=False))
    if not row["event_id"]:
        return None
    name = row.get("event_name") or row["event"]
    kind = _TYPES.get(name, "track")
    told, contexts = _told(row), _entities(row["contexts"]) | _entities(row.get("derived_contexts", ""))
    phone = contexts.get("client_session")  # of an app, which has no cookies
    app = phone if isinstance(phone, dict) else {}
    made: Event = {
        "type": kind,
        "event": _named(name, row) if kind == "track" else "",
        "messageId": row["event_id"],
        "timestamp": _time(row),
        "anonymousId": row["domain_userid"] or text(app.get("userId")) or row["network_userid"],
        "userId": row["user_id"],
        "name": text(told.get("name")) if kind == "screen" else "",
        "context": {
            "channel": {"web": "web", "mob": "app", "app": "app"}.get(row["platform"], ""),
            "page": {"url": row["page_url"], "title": row["page_title"], "referrer": row["page_referrer"]},
            "campaign": {"source": row["mkt_source"], "medium": row["mkt_medium"], "name": row["mkt_campaign"]},
            "userAgent": row["useragent"],
            "session": {"id": row.get("domain_sessionid", "") or text(app.get("sessionId"))},
            "location": {
                "country": row["geo_country"],
                "region": row["geo_region_name"] or row["geo_region"],
                "city": row["geo_city"],
            },
        },
        "properties": {
            "app_id": row["app_id"],
            "tracker": row["name_tracker"],
            "category": row["se_category"],
            "label": row["se_label"],
            "property": row["se_property"],
            "event_value": number(row["se_value"]),
            "order_id": row["tr_orderid"] or row["ti_orderid"],
            "revenue": number(row["tr_total"]),
            "currency": row.get("tr_currency", ""),
            "sku": row["ti_sku"],
            "item_price": number(row["ti_price"]),
            "quantity": number(row["ti_quantity"]),
            "contexts": contexts,
        }
        | told,
    }  # fmt: skip
    return [there(made)]


def _named(name: str, row: dict[str, str]) -> str:
    if row["event"] == "struct":
        return row["se_action"] or "struct"
    return {"transaction": "Order Completed"}.get(name, name)


def _time(row: dict[str, str]) -> str:
    """When it happened, as Snowplow has worked it out; else when it was collected. UTC without saying so."""
    at = row.get("true_tstamp") or row.get("derived_tstamp") or row["collector_tstamp"] or row["dvce_created_tstamp"]
    return at.replace(" ", "T") + "Z" if at and at[-1].isdigit() else at


def _told(row: dict[str, str]) -> dict[str, Any]:
    """The data of a self-describing event: {"data": {"schema": ..., "data": {...}}}."""
    return fields(fields(fields(row["unstruct_event"]).get("data")).get("data"))


def _entities(cell: str) -> dict[str, Any]:
    """Contexts by their schemas' names: {"web_page": {...}}; of several of one name all, as a list."""
    entities = fields(cell).get("data")
    found: dict[str, Any] = {}
    for each in entities if isinstance(entities, list) else ():
        if isinstance(each, dict) and text(each.get("schema")):
            name = text(each["schema"]).removeprefix("iglu:").split("/")[1:2]
            if name:
                found.setdefault(name[0], []).append(each.get("data"))
    return {name: every[0] if len(every) == 1 else every for name, every in found.items()}


EXPORT: Final = Export(
    name="snowplow",
    title="Snowplow's enriched TSV",
    forms=("text",),
    events=events,
    file=f"enriched events, {len(COLUMNS)} columns with tabs between them and no head",
    becomes=(
        ("`event_id`", "message id"),
        ("`domain_userid`, else `userId` of `client_session`, `network_userid`; `user_id`", "device id, user id"),
        ("`true_tstamp`, else `derived_tstamp`, `collector_tstamp`", "time"),
        ("`page_view`, `screen_view`", "page, screen; `page_ping` is passive and counts 10 s"),
        ("`struct`", "`se_action`; category, label, property and value are properties"),
        ("self-describing events", "their schema's name; their data are properties"),
        ("`transaction`", "Order Completed, `tr_total` its value"),
        ("`domain_sessionid`, else `sessionId` of `client_session`", "the sender's session"),
        ("`mkt_*`, `page_*`, `geo_*`, `useragent`", "campaign, page, place, agent"),
        ("contexts", "property `contexts`, by their schemas' names"),
    ),
)
