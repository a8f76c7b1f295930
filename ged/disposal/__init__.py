"""The slip of disposal: letters whose time of keeping is over, on a list that one person proposes and a second one confirms.

The program destroys nothing by it. It decides that the originals on paper may be eliminated, and the journal, the slip and each
letter say by whom and when; the files and the register stay.
"""
