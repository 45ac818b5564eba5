        multiIf(
            {by:String} = 'hour', formatDateTime(
                -- toStartOfHour counts hours from the day's first offset: where clocks change by half an hour it is wrong.
                arrayFirst(
                    begin -> timezoneOffset(begin) = timezoneOffset(zoned),
                    arrayMap(
                        quarter -> zoned - (toUnixTimestamp(zoned) + timezoneOffset(zoned)) % 3600 + 900 * quarter,
                        range(4)
                    )
                ), '%FT%T%z'),
            {by:String} = 'day', toString(toDate(zoned)),
            {by:String} = 'week', toString(toMonday(zoned)),
            {by:String} = 'month', toString(toStartOfMonth(zoned)),
            '') AS period,
