-- Costs of days in [first, last], by period and by one column.
-- period, value, ids of campaigns, currency, impressions, clicks, cost micros
SELECT
    multiIf(
        {by:String} = 'day', toString(toDate(day)),
        {by:String} = 'week', toString(toMonday(toDate(day))),
        {by:String} = 'month', toString(toStartOfMonth(toDate(day))),
        '') AS period,
    multiIf(
        {breakdown:String} = 'source', toString(source),
        {breakdown:String} = 'medium', toString(medium),
        campaign) AS value,
    arraySort(groupUniqArray(campaign_id)),
    currency,
    sum(impressions),
    sum(clicks),
    sum(cost_micros)
FROM costs FINAL
WHERE project = {project:String} AND day >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
    AND day <= fromUnixTimestamp64Milli({last:Int64}, 'UTC')
GROUP BY period, value, currency
ORDER BY period, sum(cost_micros) DESC, value, currency
LIMIT {rows:UInt32}
