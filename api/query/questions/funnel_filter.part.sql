        AND (event NOT IN {names_<filter>:Array(String)} OR {negated_<filter>:UInt8} != (
            if({operator_<filter>:String} = 'in', (
-- include funnel_text
            ) AS text_<filter> IN {values_<filter>:Array(String)},
            if({operator_<filter>:String} = 'contains', position(text_<filter>, {part_<filter>:String}) > 0,
            if({operator_<filter>:String} = 'regex', text_<filter> != '' AND match(text_<filter>, {part_<filter>:String}),
            text_<filter> != '')))))
