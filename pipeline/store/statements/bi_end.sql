KILL QUERY WHERE Settings['log_comment'] = {name:String} ASYNC
