"""Whether two XMP packets (ISO 16684-1) make the same statements, apart from when and by what the file was written.

Programs that append validation data often rewrite the packet in another order and spelling. So the statements are
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
# Comments, processing instructions and declarations: no statements of the document, but other programs may read them.
# A comment that is never closed extends to the end. Else each further opening would scan the whole rest.
_ASIDES = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!(?!--)[^>]*(?:>|\Z)", re.DOTALL)
_WRAPPER = re.compile(
    rb"<\?xpacket\s+(?:begin=(['\"])(?:\xef\xbb\xbf)?\1\s+id=(['\"])W5M0MpCehiHzreSzNTczkc9d\2|end=(['\"])[rw]\3)\s*\?>"
)
_GRAPH = re.compile(rb"<(?:[\w.-]+:)?RDF\b")


def says_the_same(before: bytes, after: bytes) -> bool:
    """Whether both make the same statements, and ``after`` has no new comments; False for an unreadable packet."""
    if before == after:
        return True
    if any(len(_GRAPH.findall(one)) != 1 for one in (before, after)):
        return False  # we would compare one graph, and another program might read the other
    try:
        return _structures_kept(before) == _structures_kept(after) and _asides(after) <= _asides(before)
    except (XmpXmlProcessingError, UnicodeDecodeError):
        return False


def says_nothing(packet: bytes) -> bool:
    """Whether a packet says only when and by what the document was written; False for an unreadable packet."""
    try:
        return len(_GRAPH.findall(packet)) == 1 and not _structures_kept(packet) and not _asides(packet)
    except (XmpXmlProcessingError, UnicodeDecodeError):
        return False


def _asides(packet: bytes) -> set[bytes]:
    """Comments, instructions and declarations of the packet, without its wrapper (XMP, part 1, 7.3.2)."""
    return {one for one in _ASIDES.findall(packet) if not _WRAPPER.fullmatch(one)}


def _structures_kept(packet: bytes) -> list[XmpStructure]:
    found = [XmpStructure({k: v for k, v in one if k not in _WRITTEN}) for one in parse_xmp(BytesIO(packet))]
    return [one for one in found if len(one)]
