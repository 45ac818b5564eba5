                , arrayMap((at, then, further) -> if(then <= at + {window:UInt64}, further + 1, 0),
                    times, at_<step>, level_<next>) AS level_<step>
