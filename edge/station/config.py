"""The station's configuration as frozen dataclasses: every key, its type, limits and default.

Pure; `load.py` reads the file, docs/ref/station.md explains the keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from edge.config.checks import (
    Check,
    check_clock,
    check_listen,
    count_between,
    in_range,
    is_digest,
    matches,
)
from edge.config.model import MIB, TIB, Api, Severity, Title
from edge.errors import Fault
from edge.serving.routes import Scope

POLES_MAX = 5000
USERS_MAX = 500
Name: TypeAlias = Annotated[
    str, matches(r"[A-Za-z0-9._-]{1,64}", "1 to 64 of A-Z a-z 0-9 . _ -, it stands in addresses")
]
PathText: TypeAlias = Annotated[
    str, matches(r"[^\x00-\x1f\x7f]{1,1024}", "a path; relative ones begin at this file's folder")
]
Hash: TypeAlias = Annotated[str, is_digest("64 hex digits in lower case")]
Role = Literal["viewer", "operator", "supervisor"]
SCOPES_OF: dict[Role, frozenset[Scope]] = {
    "viewer": frozenset({"read", "pictures"}),
    "operator": frozenset({"read", "pictures", "ack"}),
    "supervisor": frozenset({"read", "pictures", "ack", "admin"}),
}
"""What a role allows; `admin`: holds, statistics by person, the audit."""


_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-f:.]+(%[\w.-]+)?")
"""A name, also one that is not ASCII, or an address; not which of them there are."""


def _check_url(url: str) -> Fault | None:
    strange = next((each for each in url if each.isspace() or not each.isprintable()), None)
    if strange is not None:
        problem = f"has U+{ord(strange):04X} in it, which stands in no address"
        return Fault("", problem, "write https://HOST:PORT without spaces and control characters")
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and parts.port != 0
        is_whole = is_whole and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        is_whole = False
    if not is_whole:
        problem, remedy = "is no address of a server", "write https://HOST:PORT, a PORT of 1..65535"
        return Fault("", problem, remedy)
    if parts.username is not None or parts.query or parts.fragment:
        return Fault("", "holds more than an address", "write https://HOST:PORT and no login")
    return None


Url: TypeAlias = Annotated[str, Check(_check_url)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Who this station is; `shifts` are the times of day at which one hands over to the next."""

    id: Name = "station"
    name: Title | None = None
    timezone: str = "UTC"
    shifts: Annotated[
        tuple[Annotated[str, Check(check_clock)], ...], count_between(1, 12, "times of day")
    ] = ("08:00", "20:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoleSite:
    """One pole to be pulled.

    `ca` is a PEM with the pole's own certificate, or with the CA that gave it; `key` the SHA-256 of
    its device key, hex: without it the first one that is met is remembered. Poles of one `site`
    that fall silent together are one alert.
    """

    name: Name = field(metadata={"example": 'name = "SG-017"'})
    url: Url = field(metadata={"example": 'url = "https://10.8.0.17:8470"'})
    token_file: PathText = field(metadata={"example": 'token_file = "SG-017.token"'})
    ca: PathText | None = None
    key: Hash | None = None
    site: Title | None = None

    def own_fault(self) -> Fault | None:
        """Refuse a certificate where none is shown."""
        if self.ca is not None and urlsplit(self.url).scheme != "https":
            return Fault(".ca", "means nothing without TLS", "leave it out, or write https://")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where everything is kept and for how long; no quota means what the disk has."""

    path: PathText = "station-data"
    media_days: Annotated[int, in_range(30, 400, "days")] = 30
    key_target: bool = False
    quota_bytes: Annotated[int, in_range(64 * MIB, 1024 * TIB, "bytes")] | None = None
    reserve_bytes: Annotated[int, in_range(16 * MIB, TIB, "bytes")] = 256 * MIB

    @property
    def media_days_kept(self) -> int:
        """Days that media are kept at least: 90 at a key target."""
        return max(self.media_days, 90) if self.key_target else self.media_days


@dataclass(frozen=True, slots=True, kw_only=True)
class StationApi:
    """Where the duty desk's page is served; without `tls` an address decides: loopback is plain."""

    listen: Annotated[str, Check(check_listen)] = "127.0.0.1:8471"
    tls: bool | None = None

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return Api(listen=self.listen, tls=self.tls).has_tls

    def own_fault(self) -> Fault | None:
        """Refuse plain HTTP on the network."""
        return Api(listen=self.listen, tls=self.tls).own_fault()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTls:
    """The certificate that the station shows to poles which ask for one; PEM both."""

    certificate: PathText = field(metadata={"example": 'certificate = "station.pem"'})
    key: PathText = field(metadata={"example": 'key = "station.key"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """What is drawn under the poles: a GeoJSON file of the user's own."""

    geojson: PathText = field(metadata={"example": 'geojson = "port.geojson"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person; `token_hash` is the SHA-256 of the token's text, as `station user` prints it."""

    name: Name = field(metadata={"example": 'name = "chen"'})
    token_hash: Hash = field(metadata={"example": 'token_hash = "…"'})
    role: Role = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Somebody who is told of each alert; `secret_file` holds the key of the signature."""

    name: Name = field(metadata={"example": 'name = "dispatch"'})
    url: Url = field(metadata={"example": 'url = "https://dispatch.local/polewatch"'})
    secret_file: PathText = field(metadata={"example": 'secret_file = "dispatch.secret"'})
    ca: PathText | None = None
    severities: Annotated[tuple[Severity, ...], count_between(1, 4, "severities")] = (
        "critical", "major", "minor", "info",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """The whole configuration of one station."""

    station: Station = Station()
    poles: Annotated[tuple[PoleSite, ...], count_between(0, POLES_MAX, "poles")] = field(
        default=(), metadata={"key": "pole"}
    )
    store: Store = Store()
    api: StationApi = StationApi()
    users: Annotated[tuple[User, ...], count_between(0, USERS_MAX, "users")] = field(
        default=(), metadata={"key": "user"}
    )
    webhooks: Annotated[tuple[Webhook, ...], count_between(0, 32, "webhooks")] = field(
        default=(), metadata={"key": "webhook"}
    )
    tls: ClientTls | None = None
    map: Map | None = None
