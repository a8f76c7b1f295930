"""The morning's point: what lies about, for each reader, with who must act."""
