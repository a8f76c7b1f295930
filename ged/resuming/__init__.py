"""Registers after a restore: what was numbered between the copy and the failure stands on paper alone.

From the restore on a register gives no number (``holding``). The database itself refuses it, by a trigger over the rows of
``register_holds``. A clerk says the last number that the paper bears (``operations.release``). The numbers up to it are then
given and void at once, as lost. So none of them is given a second time, and the series has no gap. A letter that is entered
again from the paper gets a number of its own, and is joined to the lost one (``operations.retake``).
"""
