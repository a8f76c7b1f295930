"""Whether two XMP packets (ISO 16684-1) say the same of a document, but for when and by what it was written.

Programs that append validation data often write the whole packet anew, in another order and spelling: the words are
compared, not the bytes.
"""

import re
from io import BytesIO

from pyhanko.pdf_utils.metadata.model import NS, ExpandedName, XmpStructure
from pyhanko.pdf_utils.metadata.xmp_xml import XmpXmlProcessingError, parse_xmp

_WRITTEN = frozenset(
    {
        ExpandedName(NS["xmp"], "ModifyDate"),
        ExpandedName(NS["xmp"], "MetadataDate"),
        ExpandedName(NS["pdf"], "Producer"),
        ExpandedName(NS["rdf"], "about"),  # XMP, 7.4: empty, or left out
    }
)
# Comments, processing instructions and declarations: they tell nothing of the document, and may be there for others.
# A comment that is never closed goes to the end. Else each further opening would look through the whole rest.
_ASIDES = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!(?!--)[^>]*(?:>|\Z)", re.DOTALL)
_WRAPPER = re.compile(
    rb"<\?xpacket\s+(?:begin=(['\"])(?:\xef\xbb\xbf)?\1\s+id=(['\"])W5M0MpCehiHzreSzNTczkc9d\2|end=(['\"])[rw]\3)\s*\?>"
)
_GRAPH = re.compile(rb"<(?:[\w.-]+:)?RDF\b")


def says_the_same(before: bytes, after: bytes) -> bool:
    """Whether everything that ``before`` tells stands in ``after``, and nothing else; False for what cannot be read."""
    if before == after:
        return True
    if any(len(_GRAPH.findall(one)) != 1 for one in (before, after)):
        return False  # we would compare one graph, and somebody else read the other
    try:
        return _told(before) == _told(after) and _asides(after) <= _asides(before)
    except (XmpXmlProcessingError, UnicodeDecodeError):
        return False


def says_nothing(packet: bytes) -> bool:
    """Whether a packet tells only when and by what the document was written; False for what cannot be read."""
    try:
        return len(_GRAPH.findall(packet)) == 1 and not _told(packet) and not _asides(packet)
    except (XmpXmlProcessingError, UnicodeDecodeError):
        return False


def _asides(packet: bytes) -> set[bytes]:
    """What stands beside the words of the packet, but for its wrapper (XMP, part 1, 7.3.2)."""
    return {one for one in _ASIDES.findall(packet) if not _WRAPPER.fullmatch(one)}


def _told(packet: bytes) -> list[XmpStructure]:
    found = [XmpStructure({k: v for k, v in one if k not in _WRITTEN}) for one in parse_xmp(BytesIO(packet))]
    return [one for one in found if len(one)]
