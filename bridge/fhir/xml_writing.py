"""A resource in JSON form as FHIR XML (http://hl7.org/fhir/R4/xml.html): the way back of `fhir_xml`.

Elements stand in the order of the specification, which XML asks for and JSON does not. What R4 does not know
comes last, under its own name.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from lxml import etree
from lxml.etree import _Element as Node

from bridge.fhir.elements import Element, elements_of, in_order, is_resource
from bridge.fhir.fhir_xml import FHIR, Json

_NAMESPACES: Final = {None: FHIR}


def to_xml(resource: Json) -> bytes:
    """The resource as a UTF-8 document; ValueError for a character that XML cannot hold."""
    root = etree.Element(_tag(str(resource["resourceType"])), nsmap=_NAMESPACES)
    _fill(root, resource, str(resource["resourceType"]))
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _tag(name: str) -> str:
    return f"{{{FHIR}}}{name}"


def _fill(node: Node, held: Json, kind: str) -> None:
    """Put what a complex value holds into its element."""
    table = elements_of(kind) if kind else {}
    for name in _names(held, kind):
        element = table.get(name)
        if name == "id" and not is_resource(kind):
            node.set("id", str(held[name]))
        elif name == "url" and kind == "Extension":
            node.set("url", str(held[name]))
        else:
            for value, beside in _values(held, name):
                _child(node, name, element, value, beside)


def _names(held: Json, kind: str) -> Iterator[str]:
    """The element names that are said, in the order of the type."""
    said = dict.fromkeys(name.removeprefix("_") for name in held if name != "resourceType")
    known = [name for name in in_order(kind) if name in said] if kind else []
    yield from known
    yield from (name for name in said if name not in known)


def _values(held: Json, name: str) -> Iterator[tuple[Any, Any]]:
    """Each value with what stands beside it under `_name`."""
    value, beside = held.get(name), held.get(f"_{name}")
    if isinstance(value, list) or isinstance(beside, list):
        yield from zip_longest(value or [], beside or [])
    else:
        yield value, beside


def _child(node: Node, name: str, element: Element | None, value: Any, beside: Any) -> None:
    if element is not None and element.kind == "xhtml":
        node.append(etree.fromstring(str(value), etree.XMLParser(resolve_entities=False, no_network=True)))
        return
    child = etree.SubElement(node, _tag(name))
    if isinstance(value, dict):
        _complex(child, element, value)
    elif value is not None:
        child.set("value", _text(value))
    if isinstance(beside, dict):
        _fill(child, beside, "Element")


def _complex(child: Node, element: Element | None, value: Json) -> None:
    if "resourceType" in value:
        inner = etree.SubElement(child, _tag(str(value["resourceType"])))
        _fill(inner, value, str(value["resourceType"]))
    else:
        _fill(child, value, element.kind if element else "")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
