"""A key ring for tests that need one."""

import pytest

from bridge.security.keyring import KeyRing, create_key_ring


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """A fresh ring in a folder of its own."""
    return create_key_ring(tmp_path_factory.mktemp("ring") / "ring.json")
