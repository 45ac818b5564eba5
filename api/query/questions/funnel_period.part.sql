                        if({by:String} = 'hour',
                            toUnixTimestamp(toStartOfHour(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))),
                        if({by:String} = 'week',
                            toUInt32(toMonday(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))),
                        if({by:String} = 'month',
                            toUInt32(toStartOfMonth(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))),
                            toUInt32(toDate(toTimeZone(fromUnixTimestamp64Milli(toInt64(at), 'UTC'), {zone:String}))))))
