"""An upload of which only the digest remains."""

import hashlib
from io import BytesIO

import pytest
from flask import Flask, request

from ged.errors import Invalid
from web.site.hashed_upload import hashed_upload


def upload(data: dict[str, object], **more: object) -> object:
    with Flask(__name__).test_request_context("/", method="POST", data=data, **more):  # type: ignore[arg-type]
        return hashed_upload(request, "file", max_bytes=100_000)


def test_only_the_digest_is_left() -> None:
    content = bytes(range(256)) * 300
    found = upload({"file": (BytesIO(content), "x.pdf"), "more": "text"})
    assert (found.digest, found.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "upload.missing"),
        ({"file": "a text"}, "upload.missing"),
        ({"other": (BytesIO(b"x"), "x.pdf")}, "upload.missing"),
        ({"file": (BytesIO(b""), "x.pdf")}, "upload.missing"),
        ({"file": (BytesIO(bytes(100_001)), "x.pdf")}, "upload.too_large"),
        ({"file": (BytesIO(bytes(200_000)), "x.pdf")}, "upload.too_large"),
        ({f"f{n}": (BytesIO(b"x"), "x") for n in range(20)}, "upload.too_large"),
    ],
)
def test_what_is_no_small_file_is_refused(data: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        upload(data, content_type="multipart/form-data")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"x" * 5000, "multipart/form-data", "upload.unreadable"),
        (b"x" * 5000, "multipart/form-data; boundary=\xc3\xa9", "upload.unreadable"),
        (b"--b\r\nnonsense", "multipart/form-data; boundary=b", "upload.unreadable"),
        (b"file=" + b"x" * 5000, "application/x-www-form-urlencoded", "upload.missing"),
        (b"%PDF-1.7", "application/pdf", "upload.missing"),
    ],
)
def test_hostile_bodies_are_refused(body: bytes, kind: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        upload(body, content_type=kind)  # type: ignore[arg-type]
    assert refused.value.code == code
