        , countIf(lasted >= {edges:Array(Int64)}[<next>])
