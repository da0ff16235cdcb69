"""Settings: read once from the environment, frozen, built in main/cli and passed down."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.basemap import archive_host, check_basemap
from app.secret_files import SECRET, SecretFiles

ROOT = Path(__file__).resolve().parent.parent
#: An origin as browsers send it (RFC 6454 §6.2).
_ORIGIN = re.compile(r"https?://[^\s/?#@,]+")
#: Addresses that only the machine itself can reach.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: Settings whose empty variable is one that is not set.
EMPTY_IS_UNSET = (
    "local", "wal_archive", "tls_cert", "tls_key", "open",
    "crs_file", "crs_systems", "unconditional_writes", "map_approval", "tianditu_token", "tianditu_approval",
    "basemap_url", "basemap_reason", "basemap_attribution", "basemap_title", "basemap_crs",
    "basemap_pmtiles", "log_format",
    "public_url", "oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_audience", "oidc_title",
)  # fmt: skip


class Settings(BaseSettings):
    """All settings of the program; each is an environment variable `CHENGTU_<NAME>` unless it says otherwise."""

    model_config = SettingsConfigDict(env_prefix="CHENGTU_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".data"), description="Data folder; each has its own database cluster.")
    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        json_schema_extra={**SECRET},
        repr=False,
        description="PostgreSQL server to use instead of the embedded one (an owner who may create roles).",
    )
    wal_archive: Path | None = Field(
        default=None,
        description="Folder in which the embedded database keeps its log of writes (WAL), so that any moment since a "
        "base backup comes back; none by default. It holds from the next start on.",
    )
    geodata: Path = Field(default=ROOT / "geodata", description="Folder with classes/, policies/ and codes/.")
    local: Path | None = Field(
        default=None,
        description="Folder with the city's own classes/, fields/ and policies/; none by default.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server binds to.")
    port: int = Field(
        default=8000, validation_alias="PORT", ge=1, le=65535, description="Port of the server."
    )
    tls: bool = Field(
        default=False,
        description="Serve over HTTPS, by `tls_cert` and `tls_key` or a certificate that this machine makes itself.",
    )
    tls_cert: Path | None = Field(
        default=None, description="The city's own certificate (PEM, with its chain); none by default."
    )
    tls_key: Path | None = Field(default=None, description="The key of `tls_cert` (PEM, without a password).")
    open: bool | None = Field(
        default=None,
        description="Who may do everything while no person is named (`chengtu user`): `true` whoever reaches the "
        "server, as behind a proxy that lets nobody else in; `false` nobody; by default whoever asks from the machine "
        "itself.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Number of web worker processes.")
    metric_crs: str | None = Field(
        default=None,
        description="Metric CRS of the city; by default chosen from the data's centre at first load.",
    )
    import_memory_mb: int = Field(
        default=4096, ge=256, description="Memory that reading one file may take, in MiB."
    )
    import_seconds: int = Field(
        default=900, ge=1, description="Processor time that reading one file may take, in seconds."
    )
    import_disk_mb: int = Field(
        default=20_480, ge=16, description="Disk that a file may take while it is imported, unpacked, in MiB."
    )
    upload_limit_mb: int = Field(
        default=500, ge=1, description="Largest file that `POST /imports` takes, in MB."
    )
    tile_store_mb: int = Field(
        default=1024,
        ge=0,
        description="Disk that built tiles may take in the data folder, in MiB; with 0 each is built when asked for.",
    )
    unconditional_writes: bool | None = Field(
        default=None,
        description="Whether an edit over HTTP may leave out `If-Match`, as QGIS does; by default only where "
        "the server binds to a loopback address.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of other sites whose pages may read tiles, styles and features, by comma "
        "(`https://map.example.org`); `*` lets every site. None by default.",
    )
    crs_file: Path | None = Field(
        default=None,
        description="Private file (mode 600) that declares the city's own coordinate systems; none by default.",
    )
    crs_systems: SecretStr | None = Field(
        default=None,
        description="The same declaration as a secret in the environment, where there is no `crs_file`.",
    )
    map_approval: str | None = Field(
        default=None,
        max_length=100,
        description="Map approval number (审图号) that every map, print and single file bears; without one they bear "
        "「内部使用」.",
    )
    tianditu_token: SecretStr | None = Field(
        default=None,
        description="Token (tk) with which browsers load Tianditu as a basemap; it stands in no file. Without it no "
        "page asks another host for anything.",
    )
    tianditu_approval: str | None = Field(
        default=None,
        max_length=100,
        description="Tianditu's own map approval number, shown with it; its site tells the current one. Required "
        "with the token.",
    )
    basemap_url: str | None = Field(
        default=None,
        max_length=500,
        description="Address of another basemap's tiles with {z}, {x}, {y} (`https://tiles.example.org/{z}/{x}/{y}.png`);"
        "foreign maps do not draw China's borders as the standard map does. Required with it: `basemap_reason`, "
        "`basemap_attribution`.",
    )
    basemap_reason: str | None = Field(
        default=None,
        max_length=300,
        description="Why another basemap may be used; it is shown beside the switch.",
    )
    basemap_attribution: str | None = Field(
        default=None, max_length=300, description="Whose basemap it is, shown with it."
    )
    basemap_title: str | None = Field(
        default=None, max_length=60, description="The other basemap's name in the list."
    )
    basemap_crs: Literal["wgs84", "gcj02"] | None = Field(
        default=None,
        description="What the basemap's tiles are drawn in: `wgs84` (CGCS2000 too) or `gcj02` (AMap, Tencent), whose "
        "tiles are moved to fit the data and the page says so. Servers known for GCJ-02 are refused as anything else.",
    )
    basemap_pmtiles: str | None = Field(
        default=None,
        max_length=500,
        description="File of vector tiles that maps offer as a basemap, written by `chengtu export --tiles`: a path on "
        "this machine, or an address (`https://files.example.org/city.pmtiles`) that pages of this server may read.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+$",
        description="Address by which browsers reach the server where that is not its own, as behind a proxy "
        "(`https://map.example.org`).",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses of the proxies before this server, by comma (`10.0.0.0/24`): who asks through one of "
        "them is known by its `X-Forwarded-For`. Nobody else's is believed; none by default.",
    )
    requests_per_minute: int = Field(
        default=6000,
        ge=0,
        description="Requests a minute that one person, key or (without either) address of another machine may make; "
        "a tile counts as a tenth. With 0 as many as they like.",
    )
    request_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="Time that the database may work for one request, in seconds; downloads, restores and jobs have "
        "limits of their own.",
    )
    jobs_per_person: int = Field(
        default=20, ge=1, description="Jobs that one person or key may have waiting or running at once."
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID Connect: the issuer at which people log in (`https://login.example.org`); none by default. "
        "Required with it: `oidc_client_id`.",
    )
    oidc_client_id: str | None = Field(default=None, description="As what the issuer knows this server.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The secret that belongs to it, where the issuer gave one."
    )
    oidc_audience: str | None = Field(
        default=None,
        description=(
            "The audience (`aud`) of access tokens that the API takes; without it they bear `oidc_client_id` and "
            "say that they are access tokens (`typ: at+jwt`)."
        ),
    )
    oidc_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Other hosts of the issuer, by comma, that this server may ask for tokens and keys "
        "(`oauth2.example.org`); it asks nobody else.",
    )
    oidc_title: str | None = Field(
        default=None, max_length=60, description="What the button of the login page calls the issuer."
    )
    oidc_email: bool = Field(
        default=False,
        description="Whether somebody unknown whose e-mail address the issuer has verified is the person of this name.",
    )
    lang: Literal["zh", "en"] = Field(
        default="zh", description="Language of pages where the client asks for none."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Log level.")
    log_format: Literal["json", "text"] | None = Field(
        default=None,
        description="Form of log lines on stderr: `json`, one object a line, or `text`; by default `text` on a "
        "terminal and `json` elsewhere.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no file but those of secrets is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - a folder of them; ours are named one by one
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in the program, then the environment, then files that it names."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Origins by comma, each scheme, host and port as browsers write them: no path, no slash at the end."""
        if not isinstance(value, str):
            return value
        found = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        for origin in found:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin; write https://map.example.org or http://10.0.0.5:8080."
                )
        return found

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        """Addresses and networks by comma."""
        if not isinstance(value, str):
            return value
        found = tuple(part.strip() for part in value.split(",") if part.strip())
        for network in found:
            ip_network(network, strict=False)
        return found

    @field_validator("oidc_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        """Names of hosts by comma."""
        return (
            tuple(part.strip().lower() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator(*EMPTY_IS_UNSET, mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        """An empty variable is one that is not set."""
        return None if value == "" else value

    @model_validator(mode="after")
    def _basemaps_told(self) -> Self:
        """A basemap of another host is told of in full, or refused: whose it is, why, in which coordinates."""
        if self.tianditu_token is not None and self.tianditu_approval is None:
            raise ValueError(
                "CHENGTU_TIANDITU_TOKEN needs CHENGTU_TIANDITU_APPROVAL, the number that its site shows."
            )
        if self.basemap_url is not None:
            check_basemap(self.basemap_url, self.basemap_reason, self.basemap_attribution, self.basemap_crs)
        if self.basemap_pmtiles is not None:
            archive_host(self.basemap_pmtiles)
        return self

    @model_validator(mode="after")
    def _provider_told(self) -> Self:
        """A provider is one that cannot be listened to on the way, and knows this server by a name."""
        if self.oidc_issuer is None:
            return self
        found = urlsplit(self.oidc_issuer)
        if found.scheme != "https" and not (found.scheme == "http" and found.hostname in LOOPBACK):
            raise ValueError("CHENGTU_OIDC_ISSUER must begin with https://, or be on this machine.")
        if self.oidc_client_id is None:
            raise ValueError(
                "CHENGTU_OIDC_ISSUER needs CHENGTU_OIDC_CLIENT_ID, the name of this server there."
            )
        return self

    @property
    def basemap_path(self) -> Path | None:
        """The file of `basemap_pmtiles` as an absolute path, None where another server has it."""
        if self.basemap_pmtiles is None or archive_host(self.basemap_pmtiles):
            return None
        return Path(self.basemap_pmtiles).expanduser().resolve()

    @property
    def local_path(self) -> Path | None:
        """The folder of the city's own declarations as an absolute path."""
        return None if self.local is None else self.local.expanduser().resolve()

    @property
    def wal_path(self) -> Path | None:
        """The folder of the log of writes as an absolute path."""
        return None if self.wal_archive is None else self.wal_archive.expanduser().resolve()

    @property
    def tls_path(self) -> Path:
        """The folder of the certificates that this machine makes itself."""
        return self.home_path / "tls"

    @property
    def takes_unconditional(self) -> bool:
        """Whether an edit may leave out the version that it means to change."""
        if self.unconditional_writes is not None:
            return self.unconditional_writes
        return self.host in LOOPBACK

    @property
    def address(self) -> str:
        """Where this machine reaches the server: a wildcard address is none to open, loopback stands for it."""
        named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        host = f"[{named}]" if ":" in named else named
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def home_path(self) -> Path:
        """The data folder as an absolute path."""
        return self.home.expanduser().resolve()
