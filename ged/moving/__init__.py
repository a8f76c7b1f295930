"""The move of a whole installation from SQLite to PostgreSQL: every row of every table, compared afterwards.

The source is read while its write lock is held: it is of one moment. The target is made by the migrations, and empty. Rows go
over table by table, those that others name first, in batches by primary key; a batch is one COPY and one transaction. So the last
key in the target tells how far a killed move came. Constraints and triggers of the target stay on: append-only tables
refuse changes and deletions, never new rows.

Modules: ``columns`` (what a column's value is, carried between the two kinds of database), ``fitness`` (what PostgreSQL
would not take), ``copying``, ``sequences`` (the next ids), ``comparing`` (row by row), ``state`` (what the target and the data
folder tell of a move).
"""
