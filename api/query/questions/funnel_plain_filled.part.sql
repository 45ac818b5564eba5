            , at_<step>[best]
