"""The kinds of notes that vendors publish, and the least of a note of each kind.

Sources, as of 2026-11: the vendors' own pages of webhooks' topics (Intercom API 2.15, Stripe API 2026, Shopify 2026-07,
Zendesk event types, SurveyMonkey v3, WooCommerce REST v3, Brevo, Mailjet, SparkPost, Mailgun, SES, SendGrid, Meta).
"""

from collections.abc import Callable
from typing import Any

from api.webhooks.vendor import Posted

Framed = Callable[[str], tuple[dict[str, str], Any]]  # a kind -> headers, body

KINDS: dict[str, str] = {
    "intercom": """
        admin.added_to_workspace admin.away_mode_updated admin.activity_log_event.created admin.removed_from_workspace
        admin.logged_in admin.logged_out article.created article.published call.started call.ended
        call.transcription_available call.recording_available content_snippet.created company.created company.deleted
        company.updated company.contact.attached company.contact.detached contact.archived contact.deleted
        contact.email.updated contact.lead.added_email contact.lead.created contact.lead.signed_up
        contact.lead.tag.created contact.lead.tag.deleted contact.lead.updated contact.merged contact.subscribed
        contact.unarchive contact.unsubscribed contact.user.created contact.user.tag.created contact.user.tag.deleted
        contact.user.updated conversation.admin.assigned conversation.admin.closed conversation.admin.noted
        conversation.admin.open.assigned conversation.admin.opened conversation.admin.replied
        conversation.admin.single.created conversation.admin.snoozed conversation.admin.unsnoozed
        conversation.operator.replied conversation.deleted conversation_part.redacted conversation_part.tag.created
        conversation.priority.updated conversation.rating.added conversation.read conversation.user.created
        conversation.user.replied conversation.contact.attached conversation.contact.detached
        conversation.company.updated content_stat.banner content_stat.carousel content_stat.chat content_stat.checklist
        content_stat.custom_bot content_stat.email content_stat.news_item content_stat.post content_stat.push
        content_stat.series content_stat.series.webhook content_stat.sms content_stat.survey content_stat.tooltip_group
        content_stat.tour event.created api.request.completed job.completed ping granular.unsubscribe
        granular.subscribe ticket.created ticket.state.updated ticket.note.created ticket.admin.assigned
        ticket.team.assigned ticket.contact.attached ticket.contact.detached ticket.attribute.updated
        ticket.admin.replied ticket.contact.replied ticket.closed ticket.rating.provided ticket.resolved
        visitor.signed_up data_connector.execution.completed procedure.hitl_notification.created
    """,
    "zendesk": """
        organization.created organization.custom_field_changed organization.deleted organization.tags_changed
        ticket.agent_assignment_changed ticket.attachment_linked_to_comment ticket.attachment_redacted_from_comment
        ticket.brand_changed ticket.comment_added ticket.comment_made_private ticket.comment_redacted ticket.created
        ticket.csat_received ticket.csat_requested ticket.custom_field_changed ticket.custom_status_changed
        ticket.description_changed ticket.email_ccs_changed ticket.external_id_changed ticket.followers_changed
        ticket.form_changed ticket.group_assignment_changed ticket.marked_as_spam ticket.merged
        ticket.next_sla_breach_changed ticket.ola_policy_changed ticket.organization_changed ticket.permanently_deleted
        ticket.priority_changed ticket.problem_link_changed ticket.requester_changed ticket.schedule_changed
        ticket.sla_policy_changed ticket.soft_deleted ticket.status_changed ticket.subject_changed
        ticket.submitter_changed ticket.tags_changed ticket.task_due_at_changed ticket.type_changed ticket.undeleted
        user.active_changed user.alias_changed user.created user.custom_field_changed user.custom_role_changed
        user.default_group_changed user.deleted user.details_changed user.external_id_changed
        user.group_membership_created user.group_membership_deleted user.identity_changed user.identity_created
        user.identity_deleted user.last_login_changed user.merged user.name_changed user.notes_changed
        user.only_private_comments_changed user.organization_membership_created user.organization_membership_deleted
        user.password_changed user.photo_changed user.role_changed user.suspended_changed user.tags_changed
        user.time_zone_changed messaging_ticket.message_added article.published community_post.created
    """,
    "stripe": """
        account.updated account.application.authorized account.external_account.created application_fee.created
        balance.available billing.alert.triggered billing_portal.session.created capability.updated
        cash_balance.funds_available charge.captured charge.expired charge.failed charge.pending charge.refunded
        charge.succeeded charge.updated charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated
        charge.dispute.funds_withdrawn charge.dispute.updated charge.refund.updated
        checkout.session.async_payment_failed checkout.session.async_payment_succeeded checkout.session.completed
        checkout.session.expired climate.order.created coupon.created credit_note.created customer.created
        customer.deleted customer.updated customer.discount.created customer.source.created
        customer.subscription.created customer.subscription.deleted customer.subscription.paused
        customer.subscription.pending_update_applied customer.subscription.pending_update_expired
        customer.subscription.resumed customer.subscription.trial_will_end customer.subscription.updated
        customer.tax_id.created customer_cash_balance_transaction.created file.created
        entitlements.active_entitlement_summary.updated financial_connections.account.created
        identity.verification_session.canceled
        identity.verification_session.created identity.verification_session.processing
        identity.verification_session.requires_input identity.verification_session.verified invoice.created
        invoice.deleted invoice.finalization_failed invoice.finalized invoice.marked_uncollectible invoice.overdue
        invoice.paid invoice.payment_action_required invoice.payment_failed invoice.payment_succeeded invoice.sent
        invoice.upcoming invoice.updated invoice.voided invoice.will_be_due invoice_payment.paid invoiceitem.created
        issuing_authorization.created issuing_card.created issuing_cardholder.created issuing_dispute.created
        issuing_token.created issuing_transaction.created mandate.updated payment_intent.amount_capturable_updated
        payment_intent.canceled payment_intent.created payment_intent.partially_funded payment_intent.payment_failed
        payment_intent.processing payment_intent.requires_action payment_intent.succeeded payment_link.created
        payment_method.attached payout.paid person.created plan.created price.created product.created
        promotion_code.created quote.accepted quote.canceled quote.created quote.finalized quote.will_expire
        radar.early_fraud_warning.created refund.created refund.failed refund.updated
        reporting.report_run.succeeded review.opened setup_intent.succeeded sigma.scheduled_query_run.created
        source.chargeable subscription_schedule.created tax.settings.updated tax_rate.created
        terminal.reader.action_succeeded test_helpers.test_clock.ready topup.created transfer.created
        treasury.financial_account.created
    """,
    "shopify": """
        app/uninstalled app_subscriptions/update bulk_operations/finish carts/create carts/update checkouts/create
        checkouts/delete checkouts/update collections/create companies/create company_contacts/create
        company_locations/create customer.tags_added customer.joined_segment customer_groups/create
        customer_payment_methods/create customers/create customers/data_request customers/delete customers/disable
        customers/enable customers/merge customers/redact customers/update customers_email_marketing_consent/update
        customers_marketing_consent/update discounts/create disputes/create disputes/update domains/create
        draft_orders/create draft_orders/update fulfillment_events/create fulfillment_events/delete
        fulfillment_orders/cancelled fulfillments/create fulfillments/update inventory_items/create
        inventory_levels/update locales/create locations/create markets/create metaobjects/create
        order_transactions/create orders/cancelled orders/create orders/delete orders/edited orders/fulfilled
        orders/paid orders/partially_fulfilled orders/risk_assessment_changed orders/updated product_feeds/create
        product_listings/add products/create products/update profiles/create refunds/create returns/approve
        returns/cancel returns/request reverse_deliveries/attach_deliverable segments/create selling_plan_groups/create
        shop/redact shop/update subscription_billing_attempts/success subscription_contracts/activate
        subscription_contracts/cancel subscription_contracts/create subscription_contracts/pause
        subscription_contracts/update tax_services/create tender_transactions/create themes/publish variants/in_stock
    """,
    "woocommerce": """
        coupon.created coupon.updated coupon.deleted customer.created customer.updated customer.deleted order.created
        order.updated order.deleted order.restored product.created product.updated product.deleted product.restored
        subscription.created subscription.updated subscription.deleted
    """,
    "surveymonkey": """
        response_completed response_disqualified response_updated response_created response_deleted response_overquota
        survey_created survey_updated survey_deleted collector_created collector_updated collector_deleted
        app_installed app_uninstalled
    """,
    "sendgrid": """
        processed dropped delivered deferred bounce open click spamreport unsubscribe group_unsubscribe
        group_resubscribe account_status_change
    """,
    "mailjet": "sent open click bounce spam blocked unsub",
    "mailgun": "accepted delivered failed opened clicked complained unsubscribed rejected",
    "brevo": """
        request sent delivered deferred soft_bounce hard_bounce spam complaint blocked error invalid_email
        unique_opened opened proxy_open unique_proxy_open click unsubscribe unsubscribed list_addition contact_updated
        contact_deleted hardBounce softBounce uniqueOpened loadedByProxy
    """,
    "sparkpost": """
        bounce delivery injection spam_complaint out_of_band policy_rejection delay click open initial_open
        amp_click amp_open amp_initial_open generation_failure generation_rejection list_unsubscribe link_unsubscribe
        relay_injection relay_rejection relay_delivery relay_tempfail relay_permfail ab_test_completed ab_test_cancelled
        success error
    """,
    "postmark": "Delivery Bounce Open Click SpamComplaint SubscriptionChange",
    "meta": "leadgen mention ratings mentions comments live_comments story_insights picture website",
    "whatsapp": """
        account_alerts account_review_update account_settings_update account_update business_capability_update
        business_status_update flows group_lifecycle_update group_settings_update history
        message_template_components_update message_template_quality_update
        message_template_status_update partner_solutions payment_configuration_update phone_number_name_update
        phone_number_quality_update security smb_app_state_sync template_category_update tracking_events
    """,
}  # fmt: skip
_JSON = {"content-type": "application/json"}
_ITEM = {
    "type": "x", "id": "1", "email": "ann@example.com", "role": "user", "event_name": "invited-friend",
    "content_stat": {"stat_type": "receipt"}, "contact": {"id": "1", "role": "user"},
}  # fmt: skip
_MAIL = {"email": "ann@example.com", "timestamp": 1_700_000_000, "time": 1_700_000_000, "recipient": "ann@example.com"}


def _sparkpost(kind: str) -> Any:
    return [{"msys": {"message_event": {"type": kind, "rcpt_to": "ann@example.com", "event_id": "1"}}}]


_FRAMES: dict[str, Callable[[str], Any]] = {
    "intercom": lambda kind: {"topic": kind, "id": "n", "data": {"item": _ITEM}},
    "zendesk": lambda kind: {"type": f"zen:event-type:{kind}", "id": "n", "detail": {"id": "1", "requester_id": "2"}},
    "stripe": lambda kind: {"id": "evt", "type": kind, "data": {"object": {"id": "o", "customer": "cus_1"}}},
    "shopify": lambda kind: {"id": 1, "email": "ann@example.com", "email_marketing_consent": {"state": "subscribed"}},
    "woocommerce": lambda kind: {"id": 1, "status": "completed", "billing": {"email": "ann@example.com"}},
    "surveymonkey": lambda kind: {"event_type": kind, "event_id": "e", "object_id": "r"},
    "sendgrid": lambda kind: [{**_MAIL, "event": kind, "sg_event_id": "1"}],
    "mailjet": lambda kind: [{**_MAIL, "event": kind, "MessageID": 1}],
    "mailgun": lambda kind: {"event-data": {**_MAIL, "event": kind, "id": "1"}, "signature": {}},
    "brevo": lambda kind: {**_MAIL, "event": kind, "message-id": "1"},
    "sparkpost": _sparkpost,
    "postmark": lambda kind: {"RecordType": kind, "MessageID": "1", "Email": "a@example.com", "Recipient": "a@b.com"},
    "meta": lambda kind: {"object": "page", "entry": [{"id": "9", "changes": [
        {"field": kind, "value": {"leadgen_id": "1", "from": {"id": "2"}}}
    ]}]},
    "whatsapp": lambda kind: {
        "object": "whatsapp_business_account", "entry": [{"changes": [{"field": kind, "value": {}}]}]
    },
}  # fmt: skip
_HEADERS: dict[str, str] = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}


def kinds(vendor: str) -> list[str]:
    return KINDS[vendor].split()


def posted(vendor: str, kind: str, raw: Callable[[Any], bytes]) -> Posted:
    """The least note of a kind, as its vendor frames it."""
    headers = {**_JSON, **({_HEADERS[vendor]: kind} if vendor in _HEADERS else {})}
    return Posted(raw(_FRAMES[vendor](kind)), headers, 1_700_000_000_000)
