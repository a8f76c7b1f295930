"""The reserve book of a register: numbered lines on paper for the hours without the program.

A line is free, used or void. A letter that was written on a line is entered afterwards: it gets the register's next number,
and that number cites the line. So the register has no gap, and its days never run back.
"""
