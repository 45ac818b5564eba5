    toUnixTimestamp64Milli(e.occurred_at),
    CAST(transform(e.event, {names:Array(String)}, {able:Array(UInt64)}, {other_able:UInt64}) AS UInt64),
    toUInt8(e.is_passive),
    e.message_id,
    CAST(if({has_values:UInt8}, cityHash64(
-- include funnel_value
    ), toUInt64(0)) AS UInt64)
