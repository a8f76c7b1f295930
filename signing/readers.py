"""Whether two readers that share no code, QPDF and pyHanko, read the later revisions of a file alike."""

from decimal import Decimal
from io import BytesIO
from types import NoneType

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

_CONTAINERS = ("/XRef", "/ObjStm")  # structure of the file; each reader parses them by itself


def agree_after(pdf: bytes, reader: PdfFileReader, end: int) -> bool:
    """Whether both readers find the same value for each object that is written after byte ``end``.

    False for a later hybrid revision (ISO 32000-2, 7.5.8.4), which can show old and new readers different objects.
    """
    xrefs = reader.xrefs
    later = [one for one in range(xrefs.total_revisions) if xrefs.get_xref_container_info(one).end_location > end]
    if any(xrefs.get_xref_data(one).hybrid is not None for one in later):
        return False
    with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
        if reader.root_ref.idnum != opened.Root.objgen[0]:
            return False
        stated = {(ref.idnum, ref.generation) for one in later for ref in xrefs.explicit_refs_in_revision(one)}
        return all(
            _same(generic.Reference(*place, pdf=reader).get_object(), opened.get_object(place))
            for place in stated
            if place[0] and place[1] >= 0
        )


def _same(mine: object, theirs: object) -> bool:
    if isinstance(mine, generic.IndirectObject):
        if isinstance(theirs, Object) and theirs.is_indirect:
            return theirs.objgen == (mine.idnum, mine.generation)
        mine = mine.reference.get_object()
    if isinstance(mine, generic.StreamObject):
        return _same_stream(mine, theirs)
    if isinstance(mine, generic.DictionaryObject):
        return isinstance(theirs, Dictionary) and _same_entries(mine, theirs)
    if isinstance(mine, generic.ArrayObject):
        return isinstance(theirs, Array) and _same_items(mine, theirs)
    return _same_scalar(mine, theirs)


def _same_stream(mine: generic.StreamObject, theirs: object) -> bool:
    if mine.get("/Type") in _CONTAINERS:
        return True
    same = isinstance(theirs, Stream) and mine.encoded_data == theirs.read_raw_bytes()
    return same and _same_entries(mine, theirs)  # type: ignore[arg-type]


def _same_entries(mine: generic.DictionaryObject, theirs: Object) -> bool:
    own = {key for key in mine if not isinstance(mine.get(key), (NoneType, generic.NullObject))} - {"/Length"}
    read = {key for key in theirs.keys() if theirs.get(key) is not None} - {"/Length"}  # noqa: SIM118  no mapping
    return own == read and all(_same(mine.raw_get(key), theirs[key]) for key in own)


def _same_items(mine: generic.ArrayObject, theirs: Object) -> bool:
    return len(mine) == len(theirs) and all(_same(mine.raw_get(at), theirs[at]) for at in range(len(mine)))


def _same_scalar(mine: object, theirs: object) -> bool:
    if isinstance(mine, generic.NullObject):
        return theirs is None
    if isinstance(mine, generic.BooleanObject):
        return theirs is bool(mine.value)
    if isinstance(mine, (generic.NumberObject, generic.FloatObject)):
        return isinstance(theirs, (int, Decimal)) and Decimal(str(mine)) == theirs
    if isinstance(mine, generic.NameObject):
        return isinstance(theirs, Name) and str(mine) == str(theirs)
    if isinstance(mine, (generic.TextStringObject, generic.ByteStringObject)):
        return isinstance(theirs, String) and mine.original_bytes == bytes(theirs)
    return False
