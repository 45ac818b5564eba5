        , quantileExactIf(0.5)(gap_<next>, fills_<next>)
