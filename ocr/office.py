"""Converts office files to PDF with LibreOffice, if it is installed.

The type of the file was found from its content (`ocr.sniff`). The import filter is named, so that nonsense is refused
and not drawn as text. The program gets its own profile: macros and links are off, and every network address leads to a
closed port. It runs inside ``ocr.child``, under the memory limit and in the process group of the child.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from ged.errors import EngineFailed, Invalid
from ged.ports.reading import PROGRAMS
from ocr.limits import MIB, Limits, refuse_nearly_full, truncated
from ocr.pdfcheck import examine
from ocr.sniff import DOC, DOCX, ODT, RTF

PROGRAM = "soffice"
_FILTERS = {
    DOCX: ("docx", "MS Word 2007 XML"),
    ODT: ("odt", "writer8"),
    DOC: ("doc", "MS Word 97"),
    RTF: ("rtf", "Rich Text Format"),
}
OFFICE = frozenset({*_FILTERS, *(name + PROGRAMS for name in _FILTERS)})
_TO_PDF = "pdf:writer_pdf_Export"
_TO_ARCHIVE = (
    _TO_PDF
    + ":"
    + json.dumps(
        {
            "SelectPdfVersion": {"type": "long", "value": "2"},
            "ExportFormFields": {"type": "boolean", "value": "false"},
            "ExportBookmarks": {"type": "boolean", "value": "false"},
            "UseLosslessCompression": {"type": "boolean", "value": "true"},
        }
    )
)
_MAX_ENTRIES = 5_000
_MAX_UNPACKED_BYTES = 512 * MIB
# The stream of a .docx with a password: such a file is no archive but an OLE file, as a .doc is (MS-OFFCRYPTO).
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>'
_SETTINGS = {
    ("/org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel"): "3",
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution"): "true",
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks"): "true",
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent"): "true",
    ("/org.openoffice.Office.Writer/Content/Update", "Link"): "0",
    ("/org.openoffice.Inet/Settings", "ooInetProxyType"): "2",
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyName"): "127.0.0.1",
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyPort"): "1",
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyName"): "127.0.0.1",
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort"): "1",
    ("/org.openoffice.Inet/Settings", "ooInetNoProxy"): "",
}


def convert(
    source: Path, media_type: str, target: Path, limits: Limits, *, timeout_s: float, is_archive: bool = False
) -> None:
    """Convert an office file to PDF, or to PDF/A-2b; the target is complete or absent.

    Raises:
        Invalid: ``office.unavailable``, ``file.encrypted``, ``file.truncated``, ``file.too_large``,
            ``file.too_many_pages``.
        EngineFailed: ``ocr.timeout``; DiskFull: ``disk.full``.
    """
    if shutil.which(PROGRAM) is None:
        raise Invalid("office.unavailable", "Send the document as PDF.")
    media_type = media_type.removesuffix(PROGRAMS)
    _check(source, media_type)
    ending, import_filter = _FILTERS[media_type]
    # Files that the program still writes while it is killed are no error of the document. The parent folder goes later.
    with tempfile.TemporaryDirectory(prefix="office-", dir=target.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        copy = folder / f"document.{ending}"
        shutil.copyfile(source, copy)
        _write_profile(folder / "profile" / "user")
        _run(folder, copy, import_filter, timeout_s, _TO_ARCHIVE if is_archive else _TO_PDF)
        made = folder / "document.pdf"
        # The exit status of the program is always 0.
        try:
            if not made.is_file():
                raise truncated()
            examine(made, limits)
        except Invalid:
            refuse_nearly_full(folder)
            raise
        # From a folder beside it, so on one file system: the target is whole or absent.
        made.replace(target)


def _check(source: Path, media_type: str) -> None:
    """Refuse encrypted files, and archives that unpack to more than any letter has."""
    if media_type == DOC and _ENCRYPTED_PART in source.read_bytes():
        raise Invalid("file.encrypted", "Send the file without a password.")
    if media_type not in {DOCX, ODT}:
        return
    try:
        with zipfile.ZipFile(source) as parts:
            entries = parts.infolist()
            encrypted = any(entry.flag_bits & 1 for entry in entries) or _is_locked(parts)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, KeyError) as error:
        raise truncated() from error
    if encrypted:
        raise Invalid("file.encrypted", "Send the file without a password.")
    if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
        raise Invalid("file.too_large", "Send the document as PDF.", limit_bytes=_MAX_UNPACKED_BYTES)


def _is_locked(parts: zipfile.ZipFile) -> bool:
    """Whether an OpenDocument has a password: its manifest then says how each part is encrypted."""
    name = "META-INF/manifest.xml"
    if name not in parts.namelist():
        return False
    with parts.open(name) as manifest:
        return b"encryption-data" in manifest.read(4 * MIB)


def _write_profile(folder: Path) -> None:
    folder.mkdir(parents=True)
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for (path, name), value in _SETTINGS.items()
    )
    (folder / "registrymodifications.xcu").write_text(
        f'{_HEADER}<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'
    )


def _run(folder: Path, source: Path, import_filter: str, timeout_s: float, to: str) -> None:
    command = [
        PROGRAM, f"-env:UserInstallation=file://{folder / 'profile'}", "--headless", "--norestore", "--nolockcheck",
        f"--infilter={import_filter}", "--convert-to", to, "--outdir", str(folder), str(source),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing) as program:
        try:
            program.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            _end_tree(program.pid)
            raise EngineFailed("ocr.timeout", "The document took too long; try again.", retryable=True) from error


def _end_tree(pid: int) -> None:
    """Kill a process and its descendants (proc(5)): the program is a launcher, and its children would go on writing.

    The process group is not used: it is the group of ``ocr.child``, by which all of them end with the child.
    """
    with suppress(OSError):  # it may have ended already
        os.kill(pid, signal.SIGSTOP)  # so that it starts no more children while they are listed
    with suppress(OSError):
        for task in Path("/proc", str(pid), "task").iterdir():
            for child in (task / "children").read_text().split():
                _end_tree(int(child))
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
