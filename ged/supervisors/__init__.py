"""Who supervises a branch of the tree by a named act."""
