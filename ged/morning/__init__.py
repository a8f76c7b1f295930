"""The morning's point: what is pending, for each reader, with who must act."""
