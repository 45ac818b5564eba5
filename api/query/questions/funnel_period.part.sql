                        if({by:String} = 'hour',
                            arrayFirst(
                                begin -> timezoneOffset(toDateTime(begin, {zone:String}))
                                    = timezoneOffset(toDateTime(intDiv(at, 1000), {zone:String})),
                                arrayMap(
                                    quarter -> intDiv(at, 1000) + 900 * quarter
                                        - (intDiv(at, 1000) + timezoneOffset(toDateTime(intDiv(at, 1000), {zone:String}))) % 3600,
                                    range(4)
                                )
                            ),
                        if({by:String} = 'week',
                            toUInt32(toMonday(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))),
                        if({by:String} = 'month',
                            toUInt32(toStartOfMonth(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))),
                            toUInt32(toDate(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))))))
