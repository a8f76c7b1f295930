"""Two papers that the law asks of an institution, filled in from the settings and the organisation.

The internal decision on electronic documents (loi n° 2017-007, article 127) and the file for the data-protection authority
(loi n° 2019-014). Both are drafts for a lawyer: what the program knows is written, what it cannot know is a marked blank,
and nothing is invented. No letter is looked at.

Contents:
    facts: what is known of an entity and of the installation, and what should be set first.
    text: the shape of a paper: headings, paragraphs, tables; blanks stand between ``[[`` and ``]]``.
    decision, declaration: the texts.
    writing: a paper as a Word file, and as PDF pages.
    operations: makes a paper of an entity, and notes it in the journal.
"""
