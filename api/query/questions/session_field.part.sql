            , toString({field_<field>:Identifier})
