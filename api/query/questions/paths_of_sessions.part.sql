    -- Of each session its paths: the level of the first node, and the nodes, each as the hash of its name. A visit is one
    -- number, many times faster to sort than a tuple with a text: time, sequence, message id, is it the point, node.
    SELECT
        arrayMap(place -> (
            toInt32(if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place) - place),
            arraySlice(
                nodes,
                if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place),
                if({forwards:UInt8}, least(length(nodes), place + {depth:Int32} - 1), place)
                    - if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place) + 1
            )
        ), places) AS ways
    FROM (
        SELECT
            arrayMap(visit -> toUInt64(visit), visits) AS nodes,
            arrayFilter(
                (place, visit) -> toUInt64(bitShiftRight(visit, 161)) >= toUInt64({begin:Int64} + 4611686018427387904)
                    AND toUInt64(bitShiftRight(visit, 161)) < toUInt64({end:Int64} + 4611686018427387904)
                    AND if({from_beginning:UInt8}, place = 1, bitTest(toUInt64(bitShiftRight(visit, 64)), 0)),
                arrayMap(place -> toInt32(place), arrayEnumerate(visits)),
                visits
            ) AS places
        FROM (
            SELECT
                -- Of visits of one name on end the first stays, or the first of them that is at the point.
                if({repeats:UInt8}, arrayMap(
                    run -> if(arrayExists(visit -> bitTest(toUInt64(bitShiftRight(visit, 64)), 0), run), arrayFirst(visit -> bitTest(toUInt64(bitShiftRight(visit, 64)), 0), run), run[1]),
                    arraySplit(
                        (visit, before) -> toUInt64(visit) != toUInt64(before),
                        all_visits,
                        arrayPushFront(arrayPopBack(all_visits), all_visits[1])
                    )
                ), all_visits) AS visits
            FROM (
                SELECT
                    session.id AS id,
                    arraySort(groupArray(
                        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(e.occurred_at) + 4611686018427387904), 161)
-- include paths_moment
                    )) AS all_visits
-- include events_of_sessions
-- include paths_visit
                GROUP BY id
            )
        )
    )
    WHERE notEmpty(places)
