"""Import of an archive from another system, in batches."""
