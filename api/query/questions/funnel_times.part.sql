    sumForEach(arrayMap(at -> toUInt64(at > 0), times)),
    quantileExactIfForEach(0.5)(arrayMap(at -> at - times[1], times), arrayMap(at -> at > 0, times)),
    quantileExactIfForEach(0.5)(
        arrayMap((at, before) -> at - before, times, arrayShiftRight(arrayFill(at -> at > 0, times), 1, times[1])),
        arrayMap(at -> at > 0, times)),
    countIf(is_timed),
    sumIf(took, is_timed),
    minIf(took, is_timed),
    maxIf(took, is_timed),
    quantilesExactIf(0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)(took, is_timed),
    sumMapIf([roundDown(took, {edges:Array(Int64)})], [toUInt64(1)], is_timed)
