-- Touchpoints of customers who have `at_least` so many journeys that began before `to` and were not silent for longer
-- than `silence` ms at `from`: from the beginning of the first such journey on.
-- customer, the columns of schemas.facts.Touchpoint
SELECT
    if(joined.customer = 0, asked.owner, joined.customer) AS customer,
    asked.project,
    asked.device,
    toUnixTimestamp64Milli(asked.started_at),
    asked.id,
    asked.owner,
    asked.is_session,
    toString(asked.contact),
    toString(asked.channel),
    toString(asked.acquisition),
    toString(asked.utm_source),
    toString(asked.utm_medium),
    toString(asked.utm_campaign),
    toString(asked.event),
    asked.is_bot,
    asked.conversions,
    asked.ends_journey,
    asked.value_micros,
    asked.cost_micros
FROM touchpoints AS asked FINAL
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS joined ON joined.identifier = asked.owner
INNER JOIN (
    SELECT customer, min(started_at) AS begins
    FROM journeys FINAL
    WHERE project = {project:String}
        AND last_at >= fromUnixTimestamp64Milli(greatest(0, {from:Int64} - {silence:Int64}), 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    GROUP BY customer
    HAVING count() >= {at_least:UInt32}
) AS journey ON journey.customer = if(joined.customer = 0, asked.owner, joined.customer)
WHERE asked.project = {project:String} AND asked.started_at >= journey.begins
ORDER BY customer, asked.started_at, asked.id
SETTINGS do_not_merge_across_partitions_select_final = 1
