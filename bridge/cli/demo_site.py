"""The site of `bridge demo`: a folder with everything a bridge needs, for loopback and synthetic people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.config import read_settings, shipped
from bridge.security import passwords
from bridge.security.api_keys import NewApiKey
from bridge.security.keyring import create_key_ring, load_key_ring
from bridge.security.sealing import Sealer
from bridge.simulators.emis import Plan, everyone
from bridge.store import accounts, open_store
from bridge.store.accounts import Account

BASE = "https://demo.bridge.invalid"
ACCOUNT = "demo"
CALLERS = {
    "service": 'roles = ["service"]\nservice = "prescribing"',
    "gp": 'roles = ["system"]\npractices = ["ZZ9901"]\nsources = ["json-event"]',
    "operator": 'roles = ["operator"]',
}
_CONFIG = """\
environment = "test"
base = "{base}"
node = "demo"
data = "var"
mappings = "mappings"

[http]
port = {port}

[[folders]]
source = "emis"
path = "drop"
every_s = 0.3
settled_s = 0
"""
_CALLER = """
[[callers]]
name = "{name}"
{bound}
key = "file:{digest}"
key_last_day = {last_day}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where everything is. Keys of callers lie in `<name>.key`, an event to send by hand in `event.json`."""

    folder: Path
    bridge: str
    service: str
    record: str
    password: str  # of the account ACCOUNT at the page

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "bridge.toml"

    @property
    def drop(self) -> Path:
        """Where extracts are dropped."""
        return self.folder / "drop"


def write_site(site: Site, port: int, plan: Plan, keys: Mapping[str, NewApiKey]) -> None:
    """Write settings, scheme, the keys of CALLERS and an event; the folder is there and empty."""
    schemes = site.folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    site.drop.mkdir()
    (site.folder / "var").mkdir(mode=0o700)
    create_key_ring(site.folder / "var" / "keys.json")
    scheme = (shipped("mappings") / "schemes" / "demo.toml").read_text("utf-8")
    for shipped_at, ours in (("http://127.0.0.1:8104", site.service), ("http://127.0.0.1:8105", site.record)):
        scheme = scheme.replace(shipped_at, ours)
    (schemes / "demo.toml").write_text(scheme, "utf-8")
    callers = "".join(_caller(site, name, bound, keys[name]) for name, bound in CALLERS.items())
    site.config.write_text(_CONFIG.format(base=BASE, port=port) + callers, "utf-8")
    event = json.dumps(an_event(plan), indent=2, ensure_ascii=False)
    (site.folder / "event.json").write_text(f"{event}\n", "utf-8")


async def let_in(site: Site, practice: str) -> None:
    """Make an account for the page, before the bridge starts: an operator who is of the practice as well."""
    settings = read_settings(site.config)
    roles = ("operator", "practice")
    account = Account(
        name=ACCOUNT,
        roles=roles,
        practices=(practice,),
        password=passwords.hashed(site.password, of=ACCOUNT),
    )
    store = open_store(settings.database_url, Sealer(load_key_ring(settings.key_ring)))
    try:
        await store.run(lambda tx: accounts.add(tx, account))
    finally:
        await store.close()


def _caller(site: Site, name: str, bound: str, key: NewApiKey) -> str:
    for suffix, text in (("key", key.token), ("digest", key.digest)):
        file = site.folder / f"{name}.{suffix}"
        file.touch(mode=0o600)
        file.write_text(text, "ascii")
    last_day = (datetime.now(UTC) + timedelta(days=365)).date()
    digest = site.folder / f"{name}.digest"
    return _CALLER.format(name=name, bound=bound, digest=digest, last_day=last_day)


def an_event(plan: Plan) -> dict[str, Any]:
    """A JSON event that refers somebody of the practice whom no extract refers."""
    person = next(everyone(plan))
    return {
        "schema_version": "1",
        "id": "MY-FIRST-REFERRAL",
        "version": 1,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "type": "referred",
        "practice": {"ods_code": plan.practice.ods, "name": plan.practice.name},
        "patient": {
            "nhs_number": person.nhs_number,
            "family": person.family,
            "given": [person.given],
            "birth_date": person.birth_date.isoformat(),
            "gender": "female" if person.sex == "F" else "male",
        },
        "referral": {
            "requested": {"snomed": "871731000000106", "text": "Referral to social prescribing service"},
            "priority": "routine",
            "reason_text": "Would like company and a reason to leave the house.",
        },
    }
