"""The slip of disposal: letters whose time of keeping is over, on a list that one person proposes and a second one confirms.

It decides that the originals on paper may be eliminated, and the journal, the slip and each letter say by whom and when. Of letters
whose nature has the final act ``FinalAct.DESTROY`` it destroys the files too, with their keys (``destroying``). The register stays.
"""
