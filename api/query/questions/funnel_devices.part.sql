    -- A device's events that fill a step, as (ms << 5 | step): in this order they stand in time, and those of one
    -- millisecond by step. Owners and identities are looked up once a device, not once an event.
    SELECT
        device,
        groupArray(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(occurred_at)), 5)
            + transform(event, {names:Array(String)}, {numbers:Array(UInt64)}, toUInt64(0))) AS moments
    FROM events FINAL
    WHERE project = {project:String}
        AND event IN {names:Array(String)}
        AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND occurred_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
-- each filter funnel_filter
    GROUP BY device
