        , countIf(fills_<step>)
