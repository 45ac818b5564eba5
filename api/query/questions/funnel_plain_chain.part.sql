                arrayReverseFill(
                    (at, step) -> step = <step>,
                    arrayMap((at, step, then) -> (if(step = <step>, at, 9000000000000000), then),
                        times, steps, chain_<next>),
                    steps) AS chain_<step>,
