                at_<step>,
