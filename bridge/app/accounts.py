"""What a person may do with the accounts of people who sign in at the page; every change is audited."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import ConfigError, Problem, Unacceptable
from bridge.intake.control import Verb
from bridge.security.caller import Caller, Role
from bridge.store import Store, accounts
from bridge.store.accounts import Account
from bridge.store.audit import Hand
from bridge.store.unit import Tx

Said = dict[str, Any]

ROLES = (Role.OPERATOR, Role.PRACTICE, Role.DATA_OFFICER)  # that a person can have
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWorks:
    """What the verbs about accounts work with."""

    store: Store

    def verbs(self) -> Mapping[str, Verb]:
        """Every verb by name."""
        return {
            "account-add": self._add,
            "account-disable": self._disable,
            "account-password": self._password,
        }

    async def _add(self, hand: Hand, said: Said) -> Said:
        new = Account(
            name=said["name"],
            roles=tuple(said["roles"]),
            practices=tuple(said["practices"]),
            password=said["password"],
        )
        refuse_unsound(new)
        return await self._changed(hand, "account-add", new.name, lambda tx: accounts.add(tx, new))

    async def _disable(self, hand: Hand, said: Said) -> Said:
        name, disabled = said["name"], bool(said["disabled"])
        action = "account-disable" if disabled else "account-enable"
        return await self._changed(
            hand, action, name, lambda tx: accounts.disable(tx, name, disabled=disabled)
        )

    async def _password(self, hand: Hand, said: Said) -> Said:
        name, password = said["name"], said["password"]
        return await self._changed(
            hand, "account-password", name, lambda tx: accounts.set_password(tx, name, password)
        )

    async def _changed(self, hand: Hand, action: str, name: str, change: Callable[[Tx], None]) -> Said:
        def work(tx: Tx) -> None:
            change(tx)
            hand.sign(tx, action, name)

        await self.store.run(work)
        return {"name": name}


def refuse_unsound(new: Account) -> None:
    """Unacceptable for a name, a role or a practice that cannot be meant."""
    if not NAME.fullmatch(new.name):
        raise _wrong("account-name")
    if not new.roles or not set(new.roles) <= set(ROLES):
        raise _wrong("account-roles", rule=", ".join(ROLES))
    if not new.practices and set(new.roles) != {Role.OPERATOR}:
        raise _wrong("account-practices")
    try:
        Caller(name=new.name, roles=frozenset(map(Role, new.roles)), practices=frozenset(new.practices))
    except ConfigError:
        raise _wrong("account-practices") from None


def _wrong(code: str, *, rule: str = "") -> Unacceptable:
    return Unacceptable(problems=(Problem(code=code, rule=rule),))
