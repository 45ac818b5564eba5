        took_<next>,
        took_<next> < never AS fills_<step>,
        -- how far the entry had come before: an optional step may not be filled
        if(fills_<step>, took_<next>, at_<step>) AS at_<next>,
        toUInt32(took_<next> - at_<step>) AS gap_<step>,
