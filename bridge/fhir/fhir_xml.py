"""FHIR XML to the JSON form of the same resource (http://hl7.org/fhir/R4/xml.html, json.html).

The element tables say what repeats and what is a number, so nothing is guessed from one example. A value
that does not fit its type stays text and an element R4 does not know stays under its name: the checks tell
the sender. Only what XML could do to us (DTD, entities, foreign namespaces, depth) is refused here.
"""

import re
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lxml import etree
from lxml.etree import _Element as Node

from bridge.domain.strict_json import DEPTH, DIGITS
from bridge.errors import Problem, Unreadable
from bridge.fhir.elements import Element, elements_of, is_resource

Json: TypeAlias = dict[str, Any]

FHIR: Final = "http://hl7.org/fhir"
XHTML: Final = "http://www.w3.org/1999/xhtml"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"

_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_DECLARED_ENCODING = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def loads(body: bytes) -> Json:
    """The resource in a UTF-8 FHIR XML document; Unreadable says what is wrong and on which line."""
    root = _parsed(body)
    if etree.QName(root).namespace != FHIR:
        raise _unreadable("xml-namespace", root)
    return _resource(root, 1)


def _parsed(body: bytes) -> Node:
    declared = _DECLARED_ENCODING.match(body)
    if declared and declared.group(1).lower() not in (b"utf-8", b"us-ascii"):
        raise Unreadable(problems=(Problem(code="xml-not-utf8", at="line 1"),))
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(problems=(Problem(code="xml-not-utf8", at=f"byte {error.start}"),)) from None
    if forbidden := _FORBIDDEN.search(body):
        line = body.count(b"\n", 0, forbidden.start()) + 1
        raise Unreadable(problems=(Problem(code="xml-doctype", at=f"line {line}"),))
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise Unreadable(problems=(Problem(code="xml-syntax", at=f"line {line}, column {column}"),)) from None


def _unreadable(code: str, node: Node) -> Unreadable:
    return Unreadable(problems=(Problem(code=code, at=f"line {node.sourceline}"),))


def _resource(node: Node, depth: int) -> Json:
    kind = _local_name(node)
    return {"resourceType": kind} | _complex(node, kind if is_resource(kind) else "", depth)


def _complex(node: Node, kind: str, depth: int) -> Json:
    if depth > DEPTH:
        raise _unreadable("xml-depth", node)
    made: Json = _attributes(node, ("id", "url") if kind == "Extension" else ("id",))
    table = elements_of(kind) if kind else {}
    _refuse_text(node)
    for child in node:
        name = _local_name(child)
        element = table.get(name)
        if element is None:
            _put(made, name, _unknown(child, depth + 1), many=False)
        elif element.primitive and element.kind != "xhtml":
            _put_primitive(made, element, child, depth + 1)
        else:
            _put(made, name, _value(child, element, depth + 1), many=element.many)
    return made


def _value(node: Node, element: Element, depth: int) -> Any:
    if element.kind == "xhtml":
        return etree.tostring(node, encoding="unicode", with_tail=False)
    if element.kind == "Resource":
        return _inner(node, depth)
    return _complex(node, element.kind, depth)


def _inner(node: Node, depth: int) -> Json:
    _attributes(node, ())
    if len(node) != 1:
        raise _unreadable("xml-content", node)
    return _resource(node[0], depth)


def _unknown(node: Node, depth: int) -> Any:
    if "value" in node.attrib and not len(node):
        return _attributes(node, ("value",))["value"]
    value = node.attrib.pop("value", None)
    made = _complex(node, "", depth)
    return made if value is None else made | {"value": value}


def _put_primitive(made: Json, element: Element, node: Node, depth: int) -> None:
    attributes = _attributes(node, ("value", "id"))
    value = _typed(attributes.pop("value", None), element.kind)
    if len(node):
        attributes |= {"extension": [_complex(child, "Extension", depth) for child in node]}
    _refuse_text(node)
    if not element.many:
        if value is not None:
            _put(made, element.name, value, many=False)
        if attributes:
            _put(made, f"_{element.name}", attributes, many=False)
        return
    values: list[Any] = made.setdefault(element.name, [])
    values.append(value)
    beside = f"_{element.name}"
    if attributes or beside in made:
        made.setdefault(beside, [None] * (len(values) - 1)).append(attributes or None)


def _typed(text: str | None, kind: str) -> Any:
    if text is None:
        return None
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in _INTEGERS and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "decimal" and len(text) <= DIGITS and _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


def _put(made: Json, name: str, value: Any, *, many: bool) -> None:
    if many:
        made.setdefault(name, []).append(value)
    elif name not in made:
        made[name] = value
    elif isinstance(made[name], list):
        made[name].append(value)
    else:
        made[name] = [made[name], value]


def _attributes(node: Node, allowed: tuple[str, ...]) -> Json:
    found: Json = {}
    for name, value in node.attrib.items():
        if name in allowed:
            found[str(name)] = value
        elif name != _SCHEMA_LOCATION:
            raise _unreadable("xml-content", node)
    return found


def _refuse_text(node: Node) -> None:
    texts = (node.text, *(child.tail for child in node))
    if any(text and not text.isspace() for text in texts):
        raise _unreadable("xml-content", node)


def _local_name(node: Node) -> str:
    name = etree.QName(node)
    if name.namespace not in (FHIR, XHTML) or (name.namespace == XHTML and name.localname != "div"):
        raise _unreadable("xml-namespace", node)
    return name.localname
