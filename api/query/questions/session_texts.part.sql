-- The texts of `properties`, in their order, "" where there is no value. What is not asked for is folded away before
-- planning, so its column is not read.
    arrayMap(name -> map(
        'channel', if(has({properties:Array(String)}, 'channel'), toString(channel), ''),
        'acquisition', if(has({properties:Array(String)}, 'acquisition'), toString(acquisition), ''),
        'source', if(has({properties:Array(String)}, 'source'), toString(utm_source), ''),
        'medium', if(has({properties:Array(String)}, 'medium'), toString(utm_medium), ''),
        'campaign', if(has({properties:Array(String)}, 'campaign'), toString(utm_campaign), ''),
        'click_id', if(has({properties:Array(String)}, 'click_id'), toString(click_id), ''),
        'referrer', if(has({properties:Array(String)}, 'referrer'), toString(referrer_host), ''),
        'country', if(has({properties:Array(String)}, 'country'), toString(country), ''),
        'region', if(has({properties:Array(String)}, 'region'), toString(region), ''),
        'city', if(has({properties:Array(String)}, 'city'), toString(city), ''),
        'device_type', if(has({properties:Array(String)}, 'device_type'), toString(device_type), ''),
        'browser', if(has({properties:Array(String)}, 'browser'), toString(browser), ''),
        'os', if(has({properties:Array(String)}, 'os'), toString(os), ''),
        'entry_host', if(has({properties:Array(String)}, 'entry_host'), toString(entry_host), ''),
        'entry_page', if(has({properties:Array(String)}, 'entry_page'), entry_path, ''),
        'exit_page', if(has({properties:Array(String)}, 'exit_page'), exit_path, ''),
        'events', if(has({properties:Array(String)}, 'events'), toString(events), ''),
        'views', if(has({properties:Array(String)}, 'views'), toString(views), ''),
        'interactions', if(has({properties:Array(String)}, 'interactions'), toString(interactions), ''),
        'conversions', if(has({properties:Array(String)}, 'conversions'), toString(conversions), ''),
        'value', if(has({properties:Array(String)}, 'value'), toString(value_micros / 1000000), ''),
        'engaged_ms', if(has({properties:Array(String)}, 'engaged_ms'), toString(engaged_ms), ''),
        'duration_ms', if(has({properties:Array(String)}, 'duration_ms'), toString(duration_ms), ''),
        'bounced', if(has({properties:Array(String)}, 'bounced'), multiIf(bounced_engaged IS NULL, '', bounced_engaged = 1, 'true', 'false'), '')
    )[name], {properties:Array(String)})
