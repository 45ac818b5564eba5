"""What brought a visit about: GA4's published definitions, click ids, referrers."""

import pytest

from pipeline.ingest.acquisition import CLICK_IDS, GROUPS, by_tags
from schemas.definitions import Project
from tests.ingest.sending import SHOP, accepted, event


def visit(
    url: str = "https://www.shop.example/", referrer: str = "", project: Project = SHOP, **campaign: str
) -> tuple[str, str]:
    context = {"page": {"url": url, "referrer": referrer}, "campaign": campaign}
    row = accepted(event(type="page", context=context), project=project)
    assert row.acquisition in GROUPS
    return row.acquisition, row.referrer_host


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "group"),
    [
        # support.google.com/analytics/answer/9756891, in its order
        ("google", "cpc", "cross-network", "cross_network"),
        ("amazon", "cpc", "", "paid_shopping"),
        ("anything", "ppc", "spring-shop", "paid_shopping"),
        ("anything", "paid", "shopping", "paid_shopping"),
        ("google", "cpc", "", "paid_search"),
        ("bing", "ppc", "", "paid_search"),
        ("duckduckgo.com", "paidsearch", "", "paid_search"),
        ("google", "retargeting", "", "paid_search"),
        ("facebook", "cpc", "", "paid_social"),
        ("ig", "paid_social", "", "paid_social"),
        ("linkedin.com", "cpm", "", "paid_social"),
        ("youtube", "cpv-cpc", "", "paid_video"),
        ("youtube.com", "paid", "", "paid_video"),
        ("news", "display", "", "display"),
        ("news", "banner", "", "display"),
        ("news", "expandable", "", "display"),
        ("news", "interstitial", "", "display"),
        ("news", "cpm", "", "display"),
        ("partner", "cpc", "", "paid_other"),
        ("etsy", "", "", "organic_shopping"),
        ("anything", "", "eshop", "organic_shopping"),
        ("anything", "", "workshop", ""),
        ("facebook", "", "", "organic_social"),
        ("anything", "social", "", "organic_social"),
        ("anything", "social-network", "", "organic_social"),
        ("anything", "social media", "", "organic_social"),
        ("anything", "sm", "", "organic_social"),
        ("vimeo.com", "", "", "organic_video"),
        ("anything", "video-feed", "", "organic_video"),
        ("google", "", "", "organic_search"),
        ("anything", "organic", "", "organic_search"),
        ("blog", "referral", "", "referral"),
        ("blog", "app", "", "referral"),
        ("blog", "link", "", "referral"),
        ("newsletter", "email", "", "email"),
        ("newsletter", "E-Mail", "", "email"),
        ("e_mail", "", "", "email"),
        ("e mail", "x", "", "email"),
        ("partner", "affiliate", "", "affiliate"),
        ("podcast", "audio", "", "audio"),
        ("crm", "sms", "", "sms"),
        ("sms", "", "", "sms"),
        ("crm", "web-push", "", "push"),
        ("crm", "mobile", "", "push"),
        ("crm", "app-notification", "", "push"),
        ("firebase", "", "", "push"),
        # beyond GA4
        ("chatgpt.com", "", "", "ai_assistant"),
        ("perplexity", "", "", "ai_assistant"),
        ("GOOGLE", "CPC", "", "paid_search"),
        ("partner", "", "", ""),
        ("partner", "handwritten", "spring", ""),
    ],
)
def test_tags_decide_by_ga4s_published_definitions(source: str, medium: str, campaign: str, group: str) -> None:
    assert by_tags(source, medium, campaign) == group
    found = visit(referrer="https://www.google.com/", source=source, medium=medium, name=campaign)
    assert found[0] == (group or "unknown")


def test_tags_are_read_from_the_address_where_the_client_names_no_campaign() -> None:
    row = accepted(
        event(
            type="page",
            properties={"url": "https://shop.example/a?utm_source=Google&utm_medium=cpc&utm_campaign=s%26p#x"},
        )
    )
    assert (row.acquisition, row.utm_source, row.utm_medium, row.utm_campaign) == (
        "paid_search",
        "Google",
        "cpc",
        "s&p",
    )
    assert row.url == "https://shop.example/a?utm_source=Google&utm_medium=cpc&utm_campaign=s%26p"


@pytest.mark.parametrize("nothing", ["null", "(none)", "(not set)", "undefined", " ", "{{campaign.name}}", "NaN"])
def test_a_null_like_tag_is_no_tag(nothing: str) -> None:
    assert visit(source=nothing, medium=nothing, name=nothing) == ("direct", "")
    row = accepted(event(context={"campaign": {"source": nothing}}))
    assert (row.utm_source, row.acquisition) == ("", "direct")


def test_a_tag_that_no_rule_knows_is_unknown_and_kept() -> None:
    row = accepted(event(context={"campaign": {"source": "Flyer", "medium": "handwritten"}}))
    assert (row.acquisition, row.utm_source, row.utm_medium) == ("unknown", "Flyer", "handwritten")


@pytest.mark.parametrize(("parameter", "group"), [(name, group) for name, (_, group) in CLICK_IDS.items()])
def test_a_click_id_says_paid_and_the_network_and_its_value_is_not_kept_in_a_column(parameter: str, group: str) -> None:
    row = accepted(event(type="page", context={"page": {"url": f"https://shop.example/?{parameter.lower()}=Secret"}}))
    assert (row.acquisition, row.click_id) == (group, parameter)


@pytest.mark.parametrize(
    ("url", "referrer", "group"),
    [
        ("https://shop.example/?gclid=1", "https://www.google.de/", "paid_search"),
        ("https://shop.example/?gclid=1", "https://www.youtube.com/watch", "paid_video"),
        ("https://shop.example/?gclid=1", "https://m.youtube.com/", "paid_video"),
        ("https://shop.example/?gclid=1", "https://googleads.g.doubleclick.net/", "paid_search"),
        ("https://shop.example/?gclid=1", "https://some.blog.example/", "paid_search"),
        ("https://shop.example/?gclid=1", "https://l.facebook.com/", "organic_social"),
        ("https://shop.example/?gclid=1", "https://chatgpt.com/", "ai_assistant"),
        ("https://shop.example/?fbclid=1", "https://www.google.com/", "organic_search"),
        ("https://shop.example/?fbclid=1", "https://l.instagram.com/", "paid_social"),
        ("https://shop.example/?fbclid=1", "https://mail.google.com/", "email"),
        ("https://shop.example/?msclkid=1", "https://duckduckgo.com/", "paid_search"),
        ("https://shop.example/?gclid=1", "https://www.shop.example/", "paid_search"),
    ],
)
def test_a_referrer_of_another_known_network_wins_over_a_click_id_carried_along(
    url: str, referrer: str, group: str
) -> None:
    assert visit(url, referrer)[0] == group


def test_tags_come_before_click_ids_unless_they_name_no_medium() -> None:
    assert visit("https://shop.example/?gclid=1", source="crm", medium="email")[0] == "email"
    assert visit("https://shop.example/?gclid=1", source="google")[0] == "paid_search"
    assert visit("https://shop.example/?gclid=1", source="crm", medium="handwritten")[0] == "paid_search"


@pytest.mark.parametrize(
    ("referrer", "group"),
    [
        ("", "direct"),
        ("$direct", "direct"),
        ("https://www.google.com/", "organic_search"),
        ("https://google.co.uk/search?q=x", "organic_search"),
        ("https://search.yahoo.com/", "organic_search"),
        ("https://duckduckgo.com/", "organic_search"),
        ("https://www.baidu.com/", "organic_search"),
        ("https://yandex.ru/", "organic_search"),
        ("https://kagi.com/", "organic_search"),
        ("android-app://com.google.android.googlequicksearchbox/", "organic_search"),
        ("https://l.facebook.com/", "organic_social"),
        ("https://t.co/abc", "organic_social"),
        ("https://www.tiktok.com/", "organic_social"),
        ("https://old.reddit.com/r/x", "organic_social"),
        ("https://www.youtube.com/watch?v=1", "organic_video"),
        ("https://www.amazon.de/", "organic_shopping"),
        ("https://shopping.google.com/", "organic_shopping"),
        ("https://mail.google.com/mail", "email"),
        ("android-app://com.google.android.gm/", "email"),
        ("https://outlook.live.com/", "email"),
        ("https://chatgpt.com/", "ai_assistant"),
        ("https://www.perplexity.ai/", "ai_assistant"),
        ("https://gemini.google.com/", "ai_assistant"),
        ("https://copilot.microsoft.com/", "ai_assistant"),
        ("https://claude.ai/chat", "ai_assistant"),
        ("https://copilot.com/", "ai_assistant"),
        ("https://yiyan.baidu.com/", "ai_assistant"),
        ("https://ya.ru/", "organic_search"),
        ("https://yandex.com.tr/search/?text=x", "organic_search"),
        ("https://www.sogou.com/web?query=x", "organic_search"),
        ("https://www.seznam.cz/", "organic_search"),
        ("https://email.seznam.cz/", "email"),
        ("https://search.naver.com/search.naver", "organic_search"),
        ("https://blog.naver.com/someone", "organic_social"),
        ("https://www.xiaohongshu.com/explore", "organic_social"),
        ("https://translate.google.com/", "referral"),
        ("https://support.google.com/", "referral"),
        ("https://some.blog.example/post", "referral"),
        ("https://notgoogle.com/", "referral"),
    ],
)
def test_a_referrer_decides_where_there_are_no_tags(referrer: str, group: str) -> None:
    assert visit(referrer=referrer)[0] == group


@pytest.mark.parametrize(
    "referrer",
    [
        "https://www.shop.example/cart",
        "https://shop.example/",
        "https://blog.shop.example/",
        "https://shop-help.example/",
        "https://checkout.pay.example/done",
    ],
)
def test_own_domains_and_payment_providers_are_no_referrers(referrer: str) -> None:
    assert visit(referrer=referrer) == ("direct", "")
    assert accepted(event(context={"page": {"referrer": referrer}})).referrer == referrer


def test_the_pages_own_host_is_no_referrer_without_any_setting() -> None:
    bare = Project(name="shop")
    assert visit("https://www.other.example/", "https://other.example/", bare) == ("direct", "")
    assert visit("https://www.other.example/", "https://another.example/", bare) == ("referral", "another.example")
    assert visit("https://www.other.example/", "https://example/", bare) == ("referral", "example")


@pytest.mark.parametrize("broken", ["http://[::1", "http://", "://", "?", "http://a b/", "https://x:99999/", "\\\\x"])
def test_a_broken_address_hurts_nothing(broken: str) -> None:
    accepted(event(type="page", context={"page": {"url": broken, "referrer": broken}}))
