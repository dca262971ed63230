"""Which system a file probably comes from, by what is in it: for whoever tries a mapping on a file."""

import re
from collections.abc import Collection
from pathlib import Path

from bridge.domain import strict_json
from bridge.errors import Unreadable
from bridge.sources.emis_files import extracts_in

_LEAD = b"\xef\xbb\xbf\x0b\r\n \t"
_XML_MESSAGE = re.compile(rb"<type\s+value=[\"']message[\"']")
_LOOKED_AT = 4_000  # bytes of an XML file
_LARGEST = 1 << 22


def guess(path: Path, systems: Collection[str]) -> str:
    """The name of one of the systems; "" when nothing fits.

    A golden folder says it by its place (`<system>/<case>/message.*`), anything else by its content.
    """
    if path.is_file() and len(path.parts) > 2 and path.absolute().parts[-3] in systems:
        return path.absolute().parts[-3]
    found = _of_folder(path) if path.is_dir() else _of_content(path.read_bytes()[:_LARGEST])
    return found if found in systems else ""


def extract_folders(path: Path) -> list[Path]:
    """The folders of EMIS extracts at a path, oldest first: itself, or those in it."""
    inner = sorted(folder for folder in path.iterdir() if folder.is_dir())
    return [folder for folder in (path, *inner) if extracts_in(folder)]


def _of_folder(path: Path) -> str:
    return "emis" if extract_folders(path) else ""


def _of_content(body: bytes) -> str:
    start = body.lstrip(_LEAD)
    if start.startswith(b"MSH"):
        return "hl7v2-ref"
    if start.startswith(b"<"):
        return "bars" if _XML_MESSAGE.search(start[:_LOOKED_AT]) else "fhir-r4"
    return _of_json(start)


def _of_json(body: bytes) -> str:
    try:
        said = strict_json.loads(body, limit=_LARGEST)
    except Unreadable:
        return ""
    if isinstance(said, dict) and "resourceType" in said:
        message = said["resourceType"] == "Bundle" and said.get("type") == "message"
        return "bars" if message else "fhir-r4"
    first = said[0] if isinstance(said, list) and said else said
    return "json-event" if isinstance(first, dict) and {"type", "id"} <= first.keys() else ""
