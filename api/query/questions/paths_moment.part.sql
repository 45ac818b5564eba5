                -- In the order of events: sequence, message id; then whether it is at the point, and the hash of its name.
                + bitShiftLeft(toUInt256(e.sequence), 129)
                + bitShiftLeft(toUInt256(e.message_id), 65)
                + if({has_point:UInt8}
                    AND (has({at:Array(String)}, '*') OR has({at:Array(String)}, e.event))
                    AND (NOT {at_paths:UInt8} OR has({paths:Array(String)}, e.path)),
                    toUInt256(18446744073709551616), toUInt256(0))
                + toUInt256(if(
                    e.type IN ('page', 'screen') AND {by_path:UInt8} AND e.path != '',
                    cityHash64(e.path),
                    cityHash64(toString(e.event))))
