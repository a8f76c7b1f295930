"""The workbook of a roll-out: the organisation as sheets that people fill in, checked cell by cell, taken in whole.

Contents:
    sheets: the sheets and their columns, and what each cell may hold.
    cells: what one cell says, or why it cannot be read.
    reading: a file becomes rows of text, in a sandboxed child.
    merging: rows over the organisation as it is become the organisation that is wanted, with every finding.
    state: the organisation as it is, as the records of ``ged.org.file``.
    writing: the workbook that is handed out: empty, filled, or with its wrong cells marked.
"""
