"""The workbook of a roll-out: the organisation as sheets that people fill in, checked cell by cell, taken in whole.

Contents:
    sheets: the sheets and their columns, and what each cell may hold.
    cells: reads one cell, or says why it cannot be read.
    reading: reads a file into rows of text, in a sandboxed child.
    merging: applies the rows to the current organisation: the organisation that is wanted, and every finding.
    state: reads the current organisation into the records of ``ged.org.file``.
    writing: writes a workbook: empty, filled with the current organisation, or with its wrong cells marked.
    registry: registers, their paper books, correspondents and filing plan of a file.
    operations: takes a workbook in, in one transaction, and takes it back.
    inverse: records the rows that a transaction wrote, and restores them.
"""
