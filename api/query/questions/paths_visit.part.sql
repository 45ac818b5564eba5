            AND (
                ({has_point:UInt8}
                    AND (has({at:Array(String)}, '*') OR has({at:Array(String)}, e.event))
                    AND (NOT {at_paths:UInt8} OR has({paths:Array(String)}, e.path)))
                OR (
                    NOT e.is_passive
                    AND (has({makes:Array(String)}, '*') OR has({makes:Array(String)}, e.event))
                    AND NOT has({without:Array(String)}, e.event)
                    AND (NOT {pages_alone:UInt8} OR e.type IN ('page', 'screen'))
                )
            )
