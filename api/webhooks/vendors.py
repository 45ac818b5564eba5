"""Every vendor whose webhooks are taken."""

from typing import Final

from api.webhooks import (
    brevo,
    cloudevents,
    intercom,
    mailgun,
    mailjet,
    meta,
    postmark,
    sendgrid,
    ses,
    shopify,
    sparkpost,
    stripe,
    surveymonkey,
    twilio,
    typeform,
    whatsapp,
    woocommerce,
    zendesk,
)
from api.webhooks.vendor import Vendor

VENDORS: Final[dict[str, Vendor]] = {
    each.VENDOR.name: each.VENDOR
    for each in (
        *(ses, sendgrid, mailgun, postmark, brevo, mailjet, sparkpost),
        *(twilio, whatsapp, meta, intercom, zendesk, typeform, surveymonkey),
        *(stripe, shopify, woocommerce, cloudevents),
    )
}
