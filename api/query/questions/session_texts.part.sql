-- The texts of some properties, in their order, "" where there is no value. What a property is not is folded away before
-- planning, so no column is read for it.
    arrayPopFront([''
-- each filter session_text
    ])
