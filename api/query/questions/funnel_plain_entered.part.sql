            -- Of each entry its period and how far it comes.
            , arrayFilter(one -> one > 0, arrayMap(
                (at, step, further) -> if(
                    step = 0 AND at >= {from:UInt64} AND at < {to:UInt64},
                    bitShiftLeft(toUInt64(
-- include funnel_period
                    ), 6) + further + 1, 0),
                times, steps, level_1)) AS entered
