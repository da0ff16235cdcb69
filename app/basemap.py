"""Which outside basemaps settings may name: complete addresses, with a reason, in coordinates that fit the data."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: Servers whose tiles are drawn in GCJ-02 inside China, told by the end of the host's name.
GCJ02_HOSTS = ("autonavi.com", "amap.com", "gtimg.com", "qq.com", "google.cn", "googleapis.cn", "geoq.cn")
#: Baidu's tiles are in BD-09 on a grid of their own, which no map of this program can draw.
BD09_HOSTS = ("baidu.com", "bdimg.com", "bdstatic.com")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")


def check_basemap(url: str, reason: str | None, attribution: str | None, crs: str | None) -> None:
    """Raise ValueError, in one sentence, where a basemap of these settings cannot be shown."""
    host = host_of(url)
    if not reason or not attribution:
        raise ValueError("CHENGTU_BASEMAP_URL needs CHENGTU_BASEMAP_REASON and CHENGTU_BASEMAP_ATTRIBUTION.")
    if _is_of(host, BD09_HOSTS):
        raise ValueError("Baidu's tiles are in BD-09 on a grid of their own and cannot lie below this map.")
    if _is_of(host, GCJ02_HOSTS) and crs != "gcj02":
        raise ValueError(
            f"The tiles of {host} are in GCJ-02, some 500 m off the data; set CHENGTU_BASEMAP_CRS=gcj02 to have them "
            "moved into place, or take another basemap."
        )


def host_of(url: str) -> str:
    """The one host of a tile address; raises ValueError where it is none, or holds more than {z}, {x}, {y}."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc.lower()):
        raise ValueError("CHENGTU_BASEMAP_URL begins with http:// or https:// and one host, without {s}.")
    if set(re.findall(r"\{(.*?)\}", url)) != {"z", "x", "y"}:
        raise ValueError("CHENGTU_BASEMAP_URL has the places {z}, {x} and {y}, and no others.")
    return parts.hostname or ""


def archive_host(place: str) -> str | None:
    """Scheme and host of a file of tiles that another server has, None of a path; ValueError for other addresses."""
    if "://" not in place:
        return None
    parts = urlsplit(place)
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc.lower()):
        raise ValueError(
            "CHENGTU_BASEMAP_PMTILES is a path, or an address with http:// or https:// and one host."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_of(host: str, ends: tuple[str, ...]) -> bool:
    return any(host == end or host.endswith(f".{end}") for end in ends)
