"""A key ring for tests that need one, and a whole bridge that is listened to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.security.keyring import KeyRing, create_key_ring
from tests.security.trap import Trap, logging_as_in_production, set_trap


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """A fresh ring in a folder of its own."""
    return create_key_ring(tmp_path_factory.mktemp("ring") / "ring.json")


@pytest.fixture
async def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    """A bridge that is listened to."""
    with logging_as_in_production() as ear:
        async with set_trap(tmp_path, ear, monkeypatch) as trap:
            yield trap
