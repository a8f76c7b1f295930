"""Archive: the journal's sealed heads, fixity."""
