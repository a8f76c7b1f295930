"""Full-text search that respects access: one table of fields, one query language, two engines behind one port."""
