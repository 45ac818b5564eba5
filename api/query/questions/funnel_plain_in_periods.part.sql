            -- Of each period the furthest.
            , arrayFilter(
                (one, later) -> bitShiftRight(one, 6) != bitShiftRight(later, 6),
                arraySort(entered) AS ranked,
                arrayShiftLeft(ranked, 1, toUInt64(18446744073709551615)))
