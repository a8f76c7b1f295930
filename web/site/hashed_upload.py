"""An upload of which only the SHA-256 is kept: its bytes are hashed as they arrive, and never stored."""

import hashlib
from dataclasses import dataclass
from io import RawIOBase
from typing import IO, cast

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from ged.errors import Invalid

_MAX_PARTS = 10
_MAX_FIELD_BYTES = 500_000
"""Also the limit of the parser's buffer: it reads 64 KB at once."""
_ENVELOPE_BYTES = 10_000


@dataclass(frozen=True)
class HashedFile:
    """The digest and size of an upload."""

    digest: str
    size_bytes: int


class _Sink(RawIOBase):
    """The file object to which the form's parser writes."""

    def __init__(self) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the parser gives bytes
        self.hash.update(data)
        self.size_bytes += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002  the parser rewinds what it wrote
        return 0


def _sink(
    total_content_length: int | None,  # noqa: ARG001
    content_type: str | None,  # noqa: ARG001
    filename: str | None,  # noqa: ARG001
    content_length: int | None = None,  # noqa: ARG001
) -> IO[bytes]:
    return cast(IO[bytes], _Sink())


def hashed_upload(request: Request, name: str, *, max_bytes: int) -> HashedFile:
    """The file sent under ``name``. The form must not have been read before.

    Raises:
        Invalid: ``upload.missing``, ``upload.too_large``, ``upload.unreadable``.
    """
    missing = Invalid("upload.missing", "choose a file", field=name)
    too_large = Invalid("upload.too_large", "send a smaller file", field=name, maximum=max_bytes)
    if request.mimetype != "multipart/form-data":  # any other body would be read into memory
        raise missing
    request.max_content_length = max_bytes + _ENVELOPE_BYTES
    # Not silent: a broken body would become an empty form, and its sender be asked for a file that was sent.
    parser = FormDataParser(_sink, max_form_memory_size=_MAX_FIELD_BYTES, max_form_parts=_MAX_PARTS, silent=False)
    try:
        _, _, files = parser.parse(
            request.stream, request.mimetype, request.content_length, dict(request.mimetype_params)
        )
    except RequestEntityTooLarge:
        raise too_large from None
    except ValueError:
        raise Invalid("upload.unreadable", "send the form again", field=name) from None
    sink = files[name].stream if name in files else None
    if not isinstance(sink, _Sink) or not sink.size_bytes:
        raise missing
    if sink.size_bytes > max_bytes:
        raise too_large
    return HashedFile(sink.hash.hexdigest(), sink.size_bytes)
