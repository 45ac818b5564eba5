            -- Of the two the one that is not asked for is folded away before planning, so its column is not read.
            if({of_column_<filter>:UInt8}, toString({column_<filter>:Identifier}),
                JSONExtractString(properties, {property_<filter>:String}))
