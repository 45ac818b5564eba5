-- Paths of sessions, as pipeline/domain/paths.py has them, for questions whose nodes need no filter but one on the path
-- and whose folds are none or repeats. A session's paths are tuples of the level of the first node and the names.
-- the paths of a session, how many sessions have these very ones
SELECT ways, count()
FROM (
    SELECT
        arrayMap(place -> (
            toInt32(if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place) - place),
            arraySlice(
                names,
                if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place),
                if({forwards:UInt8}, least(length(names), place + {depth:Int32} - 1), place)
                    - if({backwards:UInt8}, greatest(1, place - {depth:Int32} + 1), place) + 1
            )
        ), places) AS ways
    FROM (
        SELECT
            arrayMap(visit -> visit.4, visits) AS names,
            arrayFilter(
                (place, visit) -> visit.1 >= {begin:Int64} AND visit.1 < {end:Int64}
                    AND if({from_beginning:UInt8}, place = 1, visit.5),
                arrayMap(place -> toInt32(place), arrayEnumerate(visits)),
                visits
            ) AS places
        FROM (
            SELECT
                -- Of visits of one name on end the first stays, or the first of them that is at the point.
                if({repeats:UInt8}, arrayMap(
                    run -> if(arrayExists(visit -> visit.5 = 1, run), arrayFirst(visit -> visit.5 = 1, run), run[1]),
                    arraySplit(
                        (visit, before) -> visit.4 != before.4,
                        all_visits,
                        arrayPushFront(arrayPopBack(all_visits), all_visits[1])
                    )
                ), all_visits) AS visits
            FROM (
                SELECT
                    session.id AS id,
                    arraySort(groupArray((
                        toUnixTimestamp64Milli(e.occurred_at),
                        e.sequence,
                        e.message_id,
                        if(e.type IN ('page', 'screen') AND {by_path:UInt8} AND e.path != '', e.path, toString(e.event)),
                        toUInt8({has_point:UInt8}
                            AND (has({at:Array(String)}, '*') OR has({at:Array(String)}, e.event))
                            AND (NOT {at_paths:UInt8} OR has({paths:Array(String)}, e.path)))
                    ))) AS all_visits
-- include events_of_sessions
                    AND (
                        ({has_point:UInt8}
                            AND (has({at:Array(String)}, '*') OR has({at:Array(String)}, e.event))
                            AND (NOT {at_paths:UInt8} OR has({paths:Array(String)}, e.path)))
                        OR (
                            NOT e.is_passive
                            AND (has({makes:Array(String)}, '*') OR has({makes:Array(String)}, e.event))
                            AND NOT has({without:Array(String)}, e.event)
                            AND (NOT {pages_alone:UInt8} OR e.type IN ('page', 'screen'))
                        )
                    )
                GROUP BY id
            )
        )
    )
    WHERE notEmpty(places)
)
GROUP BY ways
SETTINGS do_not_merge_across_partitions_select_final = 1
