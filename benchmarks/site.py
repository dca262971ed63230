"""A site to measure: scheme, callers, key ring, and referral events by the thousand, all synthetic."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.config import CallerSettings, Http, PartnerSettings, Settings
from bridge.security.keyring import create_key_ring

KEY = "rbk_benchmark"
SCHEME = """
name = "benchmark"
version = "1"
title = "Benchmark"
[service]
name = "prescribing"
title = "Benchmark Service"
endpoint = "{endpoint}"
ods = "Z9999"
[[practices]]
ods = "A99999"
mode = "live"
live_from = 2020-01-01
[risk_contact]
name = "Nobody"
telephone = "01632 960000"
[disclosure]
direct-care = ["name", "birth-date", "gender", "nhs-number", "address", "phone", "reason", "reason-text",
  "priority", "requester", "practice", "identifiers", "safe-contact"]
"""
CONFIG = """
base = "https://benchmark.invalid"
data = "var"
mappings = "mappings"
workers = {workers}
translate = "{translate}"
database = "{database}"
[http]
port = {port}
requests_per_s = 0
[[callers]]
name = "gp"
roles = ["system"]
practices = ["A99999"]
sources = ["json-event"]
key = "file:{folder}/gp.digest"
key_last_day = {last_day}
[partners.prescribing]
concurrency = {concurrency}
deadline_s = {deadline_s}
first_retry_s = {first_retry_s}
longest_retry_s = {longest_retry_s}
"""


def write_site(
    folder: Path,
    *,
    endpoint: str = "http://127.0.0.1:1/fhir",
    port: int = 0,
    workers: bool = False,
    translate: str = "now",
    database: str = "",
    concurrency: int = 16,
    deadline_s: float = 10,
    first_retry_s: float = 2,
    longest_retry_s: float = 600,
) -> Path:
    """Write bridge.toml and what it needs; the path of bridge.toml."""
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    (schemes / "benchmark.toml").write_text(SCHEME.format(endpoint=endpoint), "utf-8")
    digest = folder / "gp.digest"
    digest.touch(mode=0o600)
    digest.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "ascii")
    (folder / "var").mkdir(mode=0o700)
    create_key_ring(folder / "var" / "keys.json")
    last_day = (datetime.now(UTC) + timedelta(days=30)).date()
    config = folder / "bridge.toml"
    config.write_text(
        CONFIG.format(
            folder=folder,
            port=port,
            workers=str(workers).lower(),
            translate=translate,
            database=database,
            last_day=last_day,
            concurrency=concurrency,
            deadline_s=deadline_s,
            first_retry_s=first_retry_s,
            longest_retry_s=longest_retry_s,
        ),
        "utf-8",
    )
    return config


def nhs_numbers() -> Any:
    """Every synthetic NHS number with a right check digit, from 999 000 0000 up."""
    for first in range(999_000_000, 999_999_999):
        text = str(first)
        check = (11 - sum(int(d) * w for d, w in zip(text, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10 and len(set(text)) > 1:
            yield f"{text}{check}"


def events(how_many: int) -> list[bytes]:
    """Referral events of as many different people."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    numbers = nhs_numbers()
    return [json.dumps(event(n, next(numbers), now)).encode() for n in range(how_many)]


def event(n: int, number: str, now: str) -> dict[str, Any]:
    """One referral event of ordinary size."""
    return {
        "schema_version": "1",
        "id": f"BENCH-{n}",
        "version": 1,
        "time": now,
        "type": "referred",
        "practice": {"ods_code": "A99999", "name": "Benchmark Surgery"},
        "patient": {
            "nhs_number": number,
            "local_key": f"P{n}",
            "family": f"Family{n}",
            "given": ["Given"],
            "birth_date": "1950-06-15",
            "gender": "female",
            "address": {"lines": ["1 Long Lane", "Nowhere"], "town": "Testtown", "postcode": "ZZ99 3CZ"},
            "phone_home": "01632 960001",
        },
        "referral": {
            "requested": {"snomed": "871731000000106", "text": "Referral to social prescribing service"},
            "priority": "routine",
            "reason_text": "Lives alone and would like company.",
        },
    }


def settings(folder: Path, *, endpoint: str, **changes: Any) -> Settings:
    """The same site as a Settings object, for a benchmark inside one process."""
    write_site(folder, endpoint=endpoint)
    return settings_of(folder, endpoint=endpoint, **changes)


def settings_of(folder: Path, *, endpoint: str, **changes: Any) -> Settings:
    """The settings of a site that is written already; its service may be somewhere else by now."""
    (folder / "mappings" / "schemes" / "benchmark.toml").write_text(SCHEME.format(endpoint=endpoint), "utf-8")
    concurrency = changes.pop("concurrency", 16)
    caller = CallerSettings(
        name="gp",
        roles=("system",),
        practices=("A99999",),
        sources=("json-event",),
        key=f"file:{folder}/gp.digest",
        key_last_day=(datetime.now(UTC) + timedelta(days=30)).date(),
    )
    values: dict[str, Any] = {
        "base": "https://benchmark.invalid",
        "data": folder / "var",
        "mappings": folder / "mappings",
        "callers": (caller,),
        "http": Http(requests_per_s=0),
        "partners": {"prescribing": PartnerSettings(concurrency=concurrency)},
    }
    return Settings(**(values | changes))
