-- The texts of the fields that are asked for, in their order: none where none is.
        arrayPopFront([''
-- each field session_field
        ]) AS fields
