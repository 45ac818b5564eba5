-- Of the combinations that the filters let through (session_combinations.sql).
        AND (NOT {where:UInt8} OR cityHash64(
-- include session_texts
        ) IN {combinations:Array(UInt64)})
