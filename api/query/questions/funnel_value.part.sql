    -- The breakdown's value, of its column alone.
    toString({broken_down:Identifier})
