"""Where the database is: without a password in its address, and over TLS beyond this machine."""

from typing import Final
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from bridge.config.doors import LOOPBACK
from bridge.security.secrets import Secret

_POSTGRES: Final = ("postgresql", "postgres")
_VERIFIED: Final = frozenset({"verify-full", "verify-ca"})  # libpq, sslmode: the others believe any server


def refuse(database: str, *, plain: bool) -> None:
    """ValueError for an address of nothing we know, with a password, or far away without verified TLS."""
    address = urlsplit(database)
    if not database or database.startswith("sqlite:"):
        return
    if address.scheme not in _POSTGRES:
        raise ValueError("database must be sqlite:<path> or postgresql://…")
    if address.password is not None or "password" in parse_qs(address.query):
        raise ValueError("no password in the address: give its reference as database_password")
    if not (plain or _is_here(address) or set(parse_qs(address.query).get("sslmode", ())) & _VERIFIED):
        raise ValueError("beyond this machine the address needs ?sslmode=verify-full (with sslrootcert)")


def _is_here(address: SplitResult) -> bool:
    hosts = [address.hostname or "", *parse_qs(address.query).get("host", ())]
    return all(host in ("", *LOOPBACK) or host.startswith("/") for host in hosts)


def with_password(database: str, reference: str) -> str:
    """The address with the password that lies at `reference`; ConfigError when it cannot be read."""
    address = urlsplit(database)
    user, _, host = address.netloc.rpartition("@")
    password = quote(Secret.parse(reference).text(), safe="")
    return address._replace(netloc=f"{user}:{password}@{host}").geturl()
