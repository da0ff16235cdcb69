"""Which language and which form a client prefers, by its `Accept` headers (RFC 9110 §12.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from app.catalogue.model import Lang


def choose_lang(header: str | None, default: Lang) -> Lang:
    """The supported language with the highest quality in an `Accept-Language` header, else `default`."""
    best: tuple[float, Lang | None] = (0.0, None)
    for name, quality in _weighted(header):
        lang = _lang(name, default)
        if lang is not None and quality > best[0]:
            best = (quality, lang)
    return best[1] or default


def choose_format(header: str | None) -> Literal["html", "json"]:
    """`html` only where the client names it with a quality above JSON's; `*/*` alone means JSON."""
    qualities = dict(_weighted(header))
    html = max(qualities.get("text/html", 0.0), qualities.get("application/xhtml+xml", 0.0))
    json = max((value for name, value in qualities.items() if name.endswith("json")), default=0.0)
    return "html" if html > json else "json"


def choose_of(header: str | None, offered: Mapping[str, Sequence[str]]) -> str:
    """The offered form (form → its media types, the first form the default) that an `Accept` header likes best.

    A form is taken over those before it only where the client names it with a higher quality.
    """
    qualities = dict(_weighted(header))
    best, liked = next(iter(offered)), 0.0
    for form, media_types in offered.items():
        quality = max((qualities.get(name, 0.0) for name in media_types), default=0.0)
        if quality > liked:
            best, liked = form, quality
    return best


def choose_version(header: str | None) -> Literal["3.0", "3.1"]:
    """3.1 where an `Accept` header names OpenAPI in that version with a quality above that of 3.0, else 3.0."""
    qualities = {"3.0": 0.0, "3.1": 0.0}
    for part in (header or "")[:2000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        asked = next(
            (item.removeprefix("version=").strip('"')[:3] for item in parameters if item[:8] == "version="),
            "",
        )
        if "openapi" in name and asked in qualities:
            qualities[asked] = max(qualities[asked], _quality(parameters))
    return "3.1" if qualities["3.1"] > qualities["3.0"] else "3.0"


def accepted_codings(header: str | None) -> frozenset[str]:
    """The codings that an `Accept-Encoding` header takes (RFC 9110 §12.5.3); `*` stands for those it does not name."""
    qualities = dict(_weighted(header))
    rest = {"zstd", "br", "gzip"} - qualities.keys() if qualities.get("*", 0.0) > 0 else set()
    return frozenset({name for name, quality in qualities.items() if quality > 0} | rest)


def _lang(name: str, default: Lang) -> Lang | None:
    if name == "*":
        return default
    primary = name.split("-", 1)[0]
    if primary == "zh":
        return "zh"
    return "en" if primary == "en" else None


def _weighted(header: str | None) -> list[tuple[str, float]]:
    """The names of an `Accept…` header with their qualities, in order; a malformed quality counts as 0."""
    found = []
    for part in (header or "")[:2000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            found.append((name, _quality(parameters)))
    return found


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
