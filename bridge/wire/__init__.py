"""Protocols without sockets: HL7 v2, MLLP and the headers of BaRS as bytes and text."""
