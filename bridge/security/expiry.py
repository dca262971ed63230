"""When a certificate of ours stops being good."""

from datetime import datetime
from pathlib import Path

from cryptography import x509

from bridge.errors import ConfigError


def last_moment(chain: Path) -> datetime:
    """When the first certificate of a PEM chain to expire does; ConfigError when there is none to read."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(f"The certificate {chain} cannot be read.") from None
    return min(each.not_valid_after_utc for each in certificates)
