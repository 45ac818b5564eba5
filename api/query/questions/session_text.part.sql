        , if({property_<filter>:String} = 'value', toString(value_micros / 1000000),
            if({property_<filter>:String} = 'bounced',
                multiIf(bounced_engaged IS NULL, '', bounced_engaged = 1, 'true', 'false'),
                toString({column_<filter>:Identifier})))
