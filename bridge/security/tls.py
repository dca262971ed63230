"""TLS contexts for calling out and for our own doors. There is no way to ask for one that does not verify.

TLS 1.2 with forward secrecy and AEAD ciphers, or 1.3 (NCSC, "Using TLS to protect data").
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ConfigError
from bridge.security.secrets import Secret, read_private

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # TLS 1.2; those of 1.3 are all sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Who we are: PEM files of the chain and of its private key (mode 0600), and the key's passphrase."""

    chain: Path
    key: Path
    passphrase: Secret | None = None


def outbound_context(*, ca: Path | None = None, certificate: Certificate | None = None) -> ssl.SSLContext:
    """For calling a partner: its name and chain are verified against `ca`, or the system's authorities.

    `certificate` is shown when the partner asks for one. ConfigError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _trust(context, ca)
    return _finished(context, certificate)


def door_context(*, certificate: Certificate, client_ca: Path | None = None) -> ssl.SSLContext:
    """For a door of ours; with `client_ca` only callers with a certificate of that authority come in.

    ConfigError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return _finished(context, certificate)


def _finished(context: ssl.SSLContext, certificate: Certificate | None) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    if certificate is not None:
        _show(context, certificate)
    return context


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"The certificate authorities in {ca} cannot be used: {_why(error)}.") from None
    if not context.cert_store_stats()["x509_ca"]:
        raise ConfigError(f"The file {ca} holds no certificate authority.")


def _show(context: ssl.SSLContext, certificate: Certificate) -> None:
    read_private(certificate.key)
    passphrase = certificate.passphrase.read() if certificate.passphrase else b""
    try:
        # A function, because without any passphrase OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate.chain, certificate.key, lambda: passphrase)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The certificate {certificate.chain} with key {certificate.key} cannot be used: {_why(error)}."
        ) from None


def _why(error: Exception) -> str:
    """OpenSSL's or the system's reason, which speaks of the file and never of what is in it."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not usable"
    return str(reason).replace("_", " ").lower()
