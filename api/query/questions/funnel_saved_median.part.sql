        , quantileExactIf(0.5)(took_<next>, fills_<step>)
