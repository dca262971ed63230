"""Real parts for every test: a store on both dialects, a sealer with a real key ring, obvious referrals."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import Coding, Concept, Organisation, Patient, Referral, ReferralKey
from bridge.security.keyring import KeyRing, create_key_ring
from bridge.security.sealing import Sealer
from bridge.store import Store, open_store
from bridge.store.migrate import upgrade
from tests import postgres_server as postgres_server_module

settings.register_profile(
    "bridge", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("bridge")

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """A key ring as `bridge init` makes it."""
    return create_key_ring(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture
def sealer(ring: KeyRing) -> Sealer:
    """The product's own sealer."""
    return Sealer(ring)


class Clock:
    """A clock a test moves, in milliseconds."""

    def __init__(self) -> None:
        self.ms = int(NOW.timestamp() * 1000)

    def __call__(self) -> int:
        return self.ms

    def forward(self, seconds: float) -> None:
        """Let time pass (or jump, with a negative number)."""
        self.ms += int(seconds * 1000)


@pytest.fixture
def clock() -> Clock:
    """The store's clock, moved by hand."""
    return Clock()


@pytest.fixture
async def sqlite_store(tmp_path: Path, sealer: Sealer, clock: Clock) -> AsyncIterator[Store]:
    """A SQLite store in its own file."""
    opened = open_store(f"sqlite:{tmp_path / 'bridge.sqlite'}", sealer, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server of our own on loopback; skips with a reason where there is none."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bridge-postgres-")))
        try:
            url = stack.enter_context(postgres_server_module.running(folder))
        except postgres_server_module.NotHere as reason:
            pytest.skip(str(reason))
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with the schema of this version."""
    import psycopg

    name = f"t{time.time_ns()}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    url = f"{postgres_server}/{name}"
    upgrade(url)
    yield url
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def postgres_store(postgres_url: str, sealer: Sealer, clock: Clock) -> AsyncIterator[Store]:
    """A PostgreSQL store in its own database."""
    opened = open_store(postgres_url, sealer, clock=clock, connections=4)
    yield opened
    await opened.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
def store(request: pytest.FixtureRequest) -> Store:
    """The store, on each dialect in turn."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def nhs_number(n: int) -> NhsNumber:
    """The n-th valid synthetic NHS number (999 000 0000 up)."""
    digits = 999_000_000 + n
    while True:
        text = str(digits)
        check = (11 - sum(int(d) * w for d, w in zip(text, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10:
            return NhsNumber.parse(f"{text}{check}")
        digits += 1


def a_patient(n: int = 1, **changes: Any) -> Patient:
    """A synthetic person with obvious values."""
    patient = Patient(
        nhs_number=nhs_number(n * 10),
        local_key=f"P{n}",
        family=f"Testfamily{n}",
        given=("Testgiven",),
        birth_date="1950-06-15",
        gender="female",
        registered=True,
    )
    return replace(patient, **changes)


def a_referral(n: int = 1, **changes: Any) -> Referral:
    """A referral to social prescribing with obvious values."""
    practice = Organisation(ods=OdsCode("A99999"), name="Test Surgery")
    requested = Concept(
        codings=(Coding(system=systems.SNOMED, code="871731000000106", display="Referral to SP service"),),
        text="Referral to social prescribing service",
    )
    referral = Referral(
        key=ReferralKey(source="test", owner="A99999", record=f"R{n}"),
        practice=practice,
        author=practice,
        patient=a_patient(n),
        requested=requested,
        priority="routine",
        authored_on="2026-03-01",
        recorded_at=NOW.replace(day=1),
    )
    return replace(referral, **changes)


MakeReferral = Callable[..., Referral]
