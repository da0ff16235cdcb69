"""What stands on every map by law or setting: approval number or internal mark, whose basemap may lie below."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from app.basemap import archive_host
from app.catalogue.model import Catalogue, Lang
from app.errors import UnreadableFile
from app.pmtiles import read_about
from app.settings import Settings

#: The same for every page: no inline script or style, nothing from another server, in no other page's frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_IMAGES, _FETCHED = "img-src 'self' data: blob:", "connect-src 'self'"
#: Where pages read the file of tiles that lies on this machine.
ARCHIVE = "/basemap.pmtiles"
#: One server of Tianditu, so that a page's policy names exactly one host.
TIANDITU = "https://t0.tianditu.gov.cn"
#: What a map bears that has no approval number: it is not for publishing (地图管理条例, §15, §28).
INTERNAL = {"zh": "内部使用", "en": "Internal use only"}
APPROVAL = {"zh": "审图号", "en": "Map approval no."}
OWN = {"zh": "本市自有数据", "en": "The city's own data"}
WORDS = {
    "tianditu": {"zh": "天地图", "en": "Tianditu"},
    "reason": {"zh": "启用理由", "en": "Reason for use"},
    "basemap": {"zh": "外部底图", "en": "Outside basemap"},
    "archive": {"zh": "矢量底图文件", "en": "Basemap of a file"},
    "shifted": {
        "zh": "底图为 GCJ-02 坐标，已逐块平移，与数据对齐",
        "en": "The basemap is in GCJ-02; each tile is moved so that it fits the data",
    },
}


def view_part(catalogue: Catalogue) -> str:
    """The end of an address that asks for the same view of the catalogue: `&view=public`, or nothing."""
    return "&view=public" if catalogue.open_only else ""


def line(settings: Settings, lang: Lang) -> str:
    """The mark of every map, page, print and file: the approval number, else that it is for internal use."""
    number = settings.map_approval
    return f"{APPROVAL[lang]}{_colon(lang)}{number}" if number else INTERNAL[lang]


def marks_view(settings: Settings, lang: Lang) -> dict[str, Any]:
    """What a page is told: `line` to show, whether it is `approved`, and the `basemaps` that may lie below."""
    return {**file_marks(settings, lang), "basemaps": basemaps(settings, lang)}


def file_marks(settings: Settings, lang: Lang) -> dict[str, Any]:
    """What a single file is told: the mark alone, for a file asks nobody for anything and bears no token."""
    return {"line": line(settings, lang), "approved": settings.map_approval is not None}


def basemaps(settings: Settings, lang: Lang) -> list[dict[str, Any]]:
    """The basemaps that the settings allow, each `{id, title, layers, attribution, note, shifted}`; none by default.

    One of vector tiles has their `archive` and whether it is `internal` instead, and says of itself whose it is.
    """
    return [*_tianditu(settings, lang), *_other(settings, lang), *_archive(settings, lang)]


def _tianditu(settings: Settings, lang: Lang) -> list[dict[str, Any]]:
    """Tianditu's streets and imagery with their names, in Web Mercator (CGCS2000, which needs no shift)."""
    if settings.tianditu_token is None:
        return []
    token = settings.tianditu_token.get_secret_value()
    said = f"{WORDS['tianditu'][lang]} · {APPROVAL[lang]}{_colon(lang)}{settings.tianditu_approval}"
    kinds = (("vec", "cva", {"zh": "矢量", "en": "map"}), ("img", "cia", {"zh": "影像", "en": "imagery"}))
    return [
        {
            "id": f"tianditu_{below}",
            "title": f"{WORDS['tianditu'][lang]} {words[lang]}",
            "layers": [_wmts(below, token), _wmts(above, token)],
            "attribution": said,
            "note": None,
            "deepest": 18,
            "shifted": False,
        }
        for below, above, words in kinds
    ]


def _wmts(layer: str, token: str) -> str:
    """The address of tiles of a layer of Tianditu by WMTS (OGC 07-057r7, KVP), to be filled in by Leaflet."""
    asked = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    place = "TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    return f"{TIANDITU}/{layer}_w/wmts?{asked}&LAYER={layer}&{place}&tk={token}"


def _other(settings: Settings, lang: Lang) -> list[dict[str, Any]]:
    if settings.basemap_url is None:
        return []
    shifted = settings.basemap_crs == "gcj02"
    reason = f"{WORDS['reason'][lang]}{_colon(lang)}{settings.basemap_reason}"
    notes = [WORDS["shifted"][lang], reason] if shifted else [reason]
    return [
        {
            "id": "other",
            "title": settings.basemap_title or WORDS["basemap"][lang],
            "layers": [settings.basemap_url],
            "attribution": settings.basemap_attribution,
            "note": "；".join(notes) if lang == "zh" else "; ".join(notes),
            "deepest": 19,
            "shifted": shifted,
        }
    ]


def _archive(settings: Settings, lang: Lang) -> list[dict[str, Any]]:
    """The file of vector tiles, where there is one; that on this machine only while it can be read."""
    place, path = settings.basemap_pmtiles, settings.basemap_path
    if place is None:
        return []
    title, internal = WORDS["archive"][lang], False
    if path is not None:
        try:
            internal = not is_open_to_all(read_about(path).metadata)
        except UnreadableFile:
            return []
    name = path.name if path is not None else PurePosixPath(urlsplit(place).path).name
    address = ARCHIVE if path is not None else place
    return [{"id": "file", "title": title, "archive": address, "internal": internal, "note": name}]


def is_open_to_all(metadata: Mapping[str, Any]) -> bool:
    """Whether a file of tiles says that it holds nothing but what is declared public."""
    said = metadata.get("chengtu")
    return isinstance(said, Mapping) and said.get("public") is True


def content_security_policy(settings: Settings) -> str:
    """The policy of pages with a map: exactly the hosts whose basemaps the settings allow, and no other."""
    hosts = [TIANDITU] if settings.tianditu_token is not None else []
    if settings.basemap_url is not None:
        parts = urlsplit(settings.basemap_url)
        hosts.append(f"{parts.scheme}://{parts.netloc}")
    policy = CONTENT_SECURITY_POLICY.replace(_IMAGES, " ".join([_IMAGES, *hosts]))
    host = None if settings.basemap_pmtiles is None else archive_host(settings.basemap_pmtiles)
    return policy.replace(_FETCHED, f"{_FETCHED} {host}") if host else policy


def _colon(lang: Lang) -> str:
    return "：" if lang == "zh" else ": "
