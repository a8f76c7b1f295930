"""Changes of the organisation by dated acts, for the screens of the administration.

An act is a few lines of the workbook (``ged.workbook``): so the screens and the workbook have the same rules, the same limits
of an administrator and the same way back. It is proposed, shown with its consequences, then done at once or on a later day,
and can be undone while nothing hangs on it.

Contents:
    models: the table of acts, with what takes each back.
    lines: makes lines of the workbook from the fields of a form.
    wanted: what a form asks for, as lines: close a unit, give a post, let a person leave ...
    differences: what an act changes, field by field, before and after.
    fitness: what a workbook may say and an act may not: a unit that is closed leaves nothing behind.
    consequences: counts of what follows: letters, delegations, sessions ...; never a subject or a name.
    operations: propose, look, confirm, plan, withdraw, undo.
    planned: does the planned acts of a day.
    registers: registers, and the numbers that they will give.
    checklist: what is still to be set before the ministry works.
    lists: natures and mentions.
    queries, people: acts and units, posts and people, as the pages show them.
    rights: what a person may see, and by what.
    first_access: a code that lets a new person choose a password, once.
    seconds: the rule of who confirms a first access, so that one administrator alone does not become somebody else.
    openings: first accesses, as the pages show them.
"""
