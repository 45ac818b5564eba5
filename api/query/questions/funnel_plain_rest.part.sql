                tupleElement(rest_<before>, 1) AS at_<step>,
                tupleElement(rest_<before>, 2) AS rest_<step>,
