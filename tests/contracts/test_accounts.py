"""Accounts and sessions, the same on both databases."""

import pytest

from bridge.errors import NotFound, Unacceptable
from bridge.store import Store, accounts
from bridge.store.accounts import Account, Terms
from tests.conftest import Clock

MINUTE, TOKEN = 60_000, "token"
TERMS = Terms(idle=30 * MINUTE, longest=120 * MINUTE)


@pytest.fixture
async def kim(store: Store) -> str:
    """Somebody who may sign in."""
    new = Account(name="kim", roles=("practice", "data-officer"), practices=("A99999",), password="hash")
    await store.run(lambda tx: accounts.add(tx, new))
    await store.run(lambda tx: accounts.begin_session(tx, "kim", "token", TERMS))
    return "kim"


async def who(store: Store, token: str = TOKEN) -> str:
    """Who is signed in under a token; "" for nobody."""
    found = await store.read(lambda tx: accounts.of_session(tx, token))
    return found[0].name if found else ""


async def test_an_account_is_kept_as_it_was_made(store: Store, kim: str, clock: Clock) -> None:
    """Roles and practices are several."""
    found = await store.read(lambda tx: accounts.get(tx, kim))

    assert found is not None
    assert (found.roles, found.practices) == (("practice", "data-officer"), ("A99999",))
    assert found.seen_at == clock()


async def test_a_name_is_one_persons(store: Store, kim: str) -> None:
    """A second account of that name is refused."""
    with pytest.raises(Unacceptable):
        await store.run(lambda tx: accounts.add(tx, Account(name=kim, roles=("operator",))))


async def test_a_session_ends_when_nothing_is_done(store: Store, kim: str, clock: Clock) -> None:
    """A screen that somebody left is nobody's."""
    clock.forward(29 * 60)
    during = await who(store)
    clock.forward(60)

    assert (during, await who(store)) == (kim, "")


async def test_a_session_that_is_used_lasts_but_not_for_ever(store: Store, kim: str, clock: Clock) -> None:
    """However busy somebody is, a stolen token is good for one day's work at most."""
    seen = []
    for _ in range(7):
        clock.forward(20 * 60)
        seen.append(await who(store))
        await store.run(lambda tx: accounts.keep_session(tx, "token", TERMS))

    assert seen == [kim] * 5 + ["", ""]


@pytest.mark.parametrize("change", ["disable", "password", "sign-out"])
async def test_who_is_put_out_is_out_at_once(store: Store, kim: str, change: str) -> None:
    """Not only at the next sign-in."""
    await store.run(
        lambda tx: {
            "disable": lambda: accounts.disable(tx, kim, disabled=True),
            "password": lambda: accounts.set_password(tx, kim, "another"),
            "sign-out": lambda: accounts.end_session(tx, "token"),
        }[change]()
    )

    assert await who(store) == ""


async def test_a_token_of_nobody_opens_nothing(store: Store, kim: str) -> None:
    """Neither does the digest that is kept of one."""
    assert await who(store, "guess") == ""


async def test_sessions_that_are_over_are_forgotten(store: Store, kim: str, clock: Clock) -> None:
    """At the next sign-in of anybody."""
    from sqlalchemy import func, select

    from bridge.store.tables import session

    clock.forward(3600)
    await store.run(lambda tx: accounts.begin_session(tx, kim, "new", TERMS))

    assert await store.read(lambda tx: tx.run(select(func.count()).select_from(session)).scalar_one()) == 1


async def test_an_account_that_is_not_there_cannot_be_changed(store: Store) -> None:
    """A misspelt name is told."""
    with pytest.raises(NotFound):
        await store.run(lambda tx: accounts.set_password(tx, "nobody", "hash"))
