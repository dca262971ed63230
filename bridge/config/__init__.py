"""Settings: one frozen model from `bridge.toml` and `BRIDGE_*`, read once. Secrets only by reference."""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bridge.config import database
from bridge.config.callers import CallerSettings, IssuerSettings
from bridge.config.doors import Http
from bridge.config.limits import Limits
from bridge.config.mllp import MllpSettings
from bridge.config.page import PageSettings
from bridge.config.partners import PartnerSettings, PdsSettings
from bridge.config.retention import Retention
from bridge.config.strict import Strict
from bridge.config.watching import AlertSettings, ExpectedSettings, ReleaseSettings, WatchSettings
from bridge.domain.toml_file import TomlFile, read_toml
from bridge.errors import ConfigError, Problem
from bridge.errors.wording import rule_of

__all__ = [
    "CallerSettings",
    "FolderSettings",
    "Http",
    "IssuerSettings",
    "MllpSettings",
    "PageSettings",
    "PartnerSettings",
    "Settings",
]

Model = TypeVar("Model", bound=BaseModel)

_FIELD_OF_VARIABLE = re.compile(r'for field "(\w+)"')


class FolderSettings(Strict):
    """A drop folder."""

    source: str = Field(description="Source system whose files arrive there.")
    path: Path = Field(description="The folder; done/ and refused/ are made inside it.")
    every_s: float = Field(default=5, gt=0, le=3600, description="How often it is looked at, in seconds.")
    settled_s: float = Field(
        default=5, ge=0, le=3600, description="Files that looked the same for so many seconds are complete."
    )
    keep_days: int = Field(
        default=7,
        ge=0,
        le=365,
        description="Days that files stay in done/ and refused/ after they were read; 0: an hour at most.",
    )


class Settings(BaseSettings):
    """Everything a site can set. Environment variables are BRIDGE_ and the name, with __ between levels."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    environment: Literal["test", "live"] = Field(
        default="test", description="live refuses test patients; test never talks to a live endpoint."
    )
    base: str = Field(
        description="Absolute URL, without a slash at the end, that our identifiers live under for ever."
    )
    node: str = Field(default_factory=lambda: socket.gethostname()[:40], description="Name of this node.")
    data: Path = Field(default=Path("var"), description="Folder of the database, keys and control socket.")
    database: str = Field(
        "", description="sqlite:<path> or postgresql://…; empty: SQLite in the data folder."
    )
    database_password: str = Field(
        default="", description="Reference of the PostgreSQL password; its address holds none."
    )
    database_without_tls: Literal[
        "", "I understand that the database is reached over the network unencrypted"
    ] = Field(default="", description="Say so to reach PostgreSQL beyond this machine without verified TLS.")
    database_connections: int = Field(
        default=8, ge=2, le=100, description="PostgreSQL connections of this node."
    )
    keys: str = Field(default="", description="Reference of the key ring; empty: file in the data folder.")
    mappings: Path = Field(
        default=Path("mappings"), description="The site's own sources/ and schemes/, read first."
    )
    shadow: Path | None = Field(
        default=None,
        description="Folder of mapping files that are tried: what comes is read by them too, and counted.",
    )
    doors: bool = Field(default=True, description="Whether this node takes messages in.")
    workers: bool = Field(default=True, description="Whether this node sends.")
    translate: Literal["now", "later"] = Field(
        default="now",
        description="now: translated before the answer; later: kept and answered first, then translated.",
    )
    http: Http = Field(default=Http(), description="The HTTP doors.")
    page: PageSettings = Field(default=PageSettings(), description="The page for people, /ops.")
    callers: tuple[CallerSettings, ...] = Field(default=(), description="Who may call.")
    issuers: tuple[IssuerSettings, ...] = Field(
        default=(), description="Whose signed tokens say who a caller is."
    )
    partners: dict[str, PartnerSettings] = Field(
        default_factory=dict, description="How to talk to each partner."
    )
    pds: PdsSettings = Field(
        default=PdsSettings(), description="Looking people up before a letter leaves by MESH."
    )
    folders: tuple[FolderSettings, ...] = Field(default=(), description="Drop folders.")
    mllp: tuple[MllpSettings, ...] = Field(default=(), description="Ports for HL7 v2 over MLLP.")
    limits: Limits = Field(default=Limits(), description="When the doors take nothing more.")
    retention: Retention = Field(default=Retention(), description="How long what is kept stays.")
    watch: WatchSettings = Field(default=WatchSettings(), description="From where on health warns.")
    expected: tuple[ExpectedSettings, ...] = Field(
        default=(), description="Sources that are missed when they are silent."
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="Who is told of trouble.")
    release: ReleaseSettings = Field(default=ReleaseSettings(), description="What runs here.")
    log: Literal["json", "text"] = Field(default="json", description="Form of the log on standard error.")

    @model_validator(mode="after")
    def _database_is_safe(self) -> "Settings":
        database.refuse(self.database, plain=bool(self.database_without_tls))
        return self

    @field_validator("base")
    @classmethod
    def _absolute(cls, base: str) -> str:
        if not base.startswith(("https://", "http://", "urn:")) or base.endswith("/"):
            raise ValueError("must be an absolute URL without a slash at the end")
        return base

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes before the file; there is no .env."""
        return env_settings, init_settings

    @property
    def database_url(self) -> str:
        """The database in use."""
        if self.database_password:
            return database.with_password(self.database, self.database_password)
        return self.database or f"sqlite:{self.data / 'bridge.sqlite'}"

    @property
    def key_ring(self) -> str:
        """The reference of the key ring in use."""
        return self.keys or f"file:{(self.data / 'keys.json').absolute()}"


def read_settings(file: Path) -> Settings:
    """The settings of `bridge.toml`; paths in it are relative to its folder. ConfigError names each place."""
    if not file.exists():
        raise ConfigError(
            f"There is no {file}. Go to its folder, or name it in BRIDGE_CONFIG; `bridge init` writes one."
        )
    toml = read_toml(file)
    try:
        settings = Settings(**toml.said)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise ConfigError(problems=tuple(_problem(each, toml) for each in found)) from None
    except SettingsError as error:
        name = _FIELD_OF_VARIABLE.search(str(error))
        rule = "the whole table or list as JSON; or name one of its keys, with __ between the levels"
        problem = Problem(
            code="setting-wrong", at=f"BRIDGE_{name[1].upper()}" if name else "BRIDGE_*", rule=rule
        )
        raise ConfigError(problems=(problem,)) from None
    return _settled(settings, file.absolute().parent)


def _problem(found: Mapping[str, Any], toml: TomlFile) -> Problem:
    """What is wrong with one setting, at its line, or in the variable that overrides the file."""
    names = [str(part) for part in found["loc"]]
    variables = {name.upper() for name in os.environ}
    overriding = "BRIDGE_" + "__".join(names).upper()
    at = overriding if overriding in variables else toml.place(".".join(names))
    return Problem(code="setting-wrong", at=at, target=".".join(names), rule=rule_of(found))


def _settled(settings: Settings, home: Path) -> Settings:
    """The same with every path absolute."""
    where = settings.database
    if where.startswith("sqlite:"):
        where = f"sqlite:{home / where.removeprefix('sqlite:')}"
    return settings.model_copy(
        update={
            "data": home / settings.data,
            "mappings": home / settings.mappings,
            "shadow": home / settings.shadow if settings.shadow else None,
            "database": where,
            "http": _at_home(settings.http, home),
            "alerts": _at_home(settings.alerts, home),
            "issuers": tuple(_at_home(each, home) for each in settings.issuers),
            "folders": tuple(_at_home(each, home) for each in settings.folders),
            "mllp": tuple(_at_home(each, home) for each in settings.mllp),
            "partners": {name: _at_home(each, home) for name, each in settings.partners.items()},
        }
    )


def _at_home(model: Model, home: Path) -> Model:
    """The same with every path absolute."""
    return model.model_copy(update={name: home / said for name, said in model if isinstance(said, Path)})


def shipped(name: str) -> Path:
    """A folder that comes with the bridge (`mappings`, `fixtures`): in the wheel, else in the checkout."""
    here = Path(__file__).parent.parent
    packed = here / "shipped" / name
    return packed if packed.is_dir() else here.parent / name


def config_file() -> Path:
    """`BRIDGE_CONFIG`, else bridge.toml in the working folder."""
    return Path(os.environ.get("BRIDGE_CONFIG", "bridge.toml"))
