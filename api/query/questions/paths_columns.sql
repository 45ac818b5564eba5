-- The visits of all devices, each device's in order, with the sessions that they may lie in, as two columns of numbers.
-- A row is a device's beginning (0, 0), a session (its end, its start) or a visit (the hash of its name, its time). Each
-- is sorted as one number, many times faster than a tuple, and without a join, which took longer than all else:
-- time, is it a visit, sequence, message id, is it the point, word.
-- word; (time in ms + 2^45) << 2 | is it a visit << 1 | is it the point
SELECT
    toUInt64(moment),
    bitShiftLeft(toUInt64(bitShiftRight(moment, 161)), 1) + bitAnd(toUInt64(bitShiftRight(moment, 64)), 1)
FROM (
    SELECT arrayJoin(arrayPushFront(arraySort(groupArray(moment)), toUInt256(0))) AS moment
    FROM (
        SELECT
            e.device AS device,
            if({by_sender:UInt8}, e.sender_session, 0) AS sender,
            bitShiftLeft(toUInt256(toUnixTimestamp64Milli(e.occurred_at) + 35184372088832), 162)
                + bitShiftLeft(toUInt256(1), 161)
                + bitShiftLeft(toUInt256(e.sequence), 129)
                + bitShiftLeft(toUInt256(e.message_id), 65)
                + if({has_point:UInt8}
                    AND (has({at:Array(String)}, '*') OR has({at:Array(String)}, e.event))
                    AND (NOT {at_paths:UInt8} OR has({paths:Array(String)}, e.path)),
                    toUInt256(18446744073709551616), toUInt256(0))
                + toUInt256(if(
                    e.type IN ('page', 'screen') AND {by_path:UInt8} AND e.path != '',
                    cityHash64(e.path),
                    cityHash64(toString(e.event)))) AS moment
        FROM events AS e FINAL
        WHERE e.project = {project:String}
            AND (has({events:Array(String)}, '*') OR e.event IN {events:Array(String)})
            AND e.occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
            AND e.occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
            AND ({bots:UInt8} OR NOT e.is_bot)
            AND e.channel IN ('web', 'app', 'chat')
            AND e.contact = ''
-- include paths_visit
        UNION ALL
        SELECT
            device,
            if({by_sender:UInt8}, sender_session, 0) AS sender,
            bitShiftLeft(toUInt256(toUnixTimestamp64Milli(started_at) + 35184372088832), 162)
                + toUInt256(toUnixTimestamp64Milli(last_at) + 35184372088832) AS moment
        FROM sessions FINAL
        WHERE project = {project:String}
            AND started_at >= fromUnixTimestamp64Milli({sessions_from:Int64}, 'UTC')
            AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    )
    GROUP BY device, sender
)
SETTINGS do_not_merge_across_partitions_select_final = 1
