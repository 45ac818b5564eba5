-- How many rows paths_columns.sql has at most: visits, sessions and devices that have one.
SELECT
    (
        SELECT count()
        FROM events
        WHERE project = {project:String}
            AND (has({events:Array(String)}, '*') OR event IN {events:Array(String)})
            AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
            AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    ) + 2 * (
        SELECT count()
        FROM sessions
        WHERE project = {project:String}
            AND started_at >= fromUnixTimestamp64Milli({sessions_from:Int64}, 'UTC')
            AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    )
