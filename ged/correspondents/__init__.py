"""The page of a correspondent: the letters exchanged, and doubles of the directory that are merged."""
