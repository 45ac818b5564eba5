    FROM funnel_entries FINAL
    PREWHERE project = {project:String}
        AND funnel = {funnel:String}
        -- The sort columns say where none can be that counts: with no entry of or after `to` whoever counts has nobody
        -- after it who comes further, with none before `from` nobody before it who comes as far either. Whether there is
        -- one is worked out once it is settled which rows are read: of what arrives meanwhile that knows at most more.
        AND standing >= multiIf(
            (
                SELECT count() FROM (
                    SELECT 1 FROM funnel_entries
                    WHERE project = {project:String}
                        AND funnel = {funnel:String}
                        AND week >= intDiv({to:Int64}, 604800000)
                        AND entered_at >= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
                    LIMIT 1
                )
            ) > 0, 0,
            (
                SELECT count() FROM (
                    SELECT 1 FROM funnel_entries
                    WHERE project = {project:String}
                        AND funnel = {funnel:String}
                        AND week <= intDiv({from:Int64}, 604800000)
                        AND entered_at < fromUnixTimestamp64Milli({from:Int64}, 'UTC')
                    LIMIT 1
                )
            ) > 0, 1,
            2)
        AND week >= intDiv({from:Int64}, 604800000)
        AND week <= intDiv({to:Int64}, 604800000)
        AND entered_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND entered_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    WHERE funnel_version = {funnel_version:UInt32}
        AND ((before_at < {from:Int64} AND after_at >= {to:Int64}) OR standing = 3)
