"""The forms in which the features of a collection are given: pages, and streams of all that matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from app.access.negotiation import choose_of

#: What `f` may say; the first of each line is how the form is called, the others are other names of it.
FormName = Literal[
    "json", "geojson",
    "html",
    "geojsonseq", "jsonseq",
    "csv",
    "flatgeobuf", "fgb",
    "parquet",
    "arrow",
]  # fmt: skip
_OTHER_NAMES: Mapping[str, str] = {"geojson": "json", "jsonseq": "geojsonseq", "fgb": "flatgeobuf"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its media types (the first is what a reply says), its title, and the ending of a file that holds it."""

    name: str
    media_types: Sequence[str]
    title: str
    ending: str

    @property
    def media_type(self) -> str:
        """What a reply in this form says that it is."""
        return self.media_types[0]


PAGED: Mapping[str, Form] = {
    "json": Form("json", ("application/geo+json", "application/json"), "GeoJSON", "geojson"),
    "html": Form("html", ("text/html", "application/xhtml+xml"), "HTML", "html"),
}
STREAMED: Mapping[str, Form] = {
    "geojsonseq": Form(
        "geojsonseq", ("application/geo+json-seq",), "GeoJSON text sequence (RFC 8142)", "geojsons"
    ),
    "csv": Form("csv", ("text/csv; charset=utf-8", "text/csv"), "CSV", "csv"),
    "flatgeobuf": Form("flatgeobuf", ("application/flatgeobuf",), "FlatGeobuf", "fgb"),
    "parquet": Form("parquet", ("application/vnd.apache.parquet",), "GeoParquet", "parquet"),
    "arrow": Form("arrow", ("application/vnd.apache.arrow.stream",), "Arrow IPC stream (GeoArrow)", "arrows"),
}
_OFFERED = {form.name: form.media_types for form in (*PAGED.values(), *STREAMED.values())}
assert set(get_args(FormName)) == _OFFERED.keys() | _OTHER_NAMES.keys()


def choose_form(asked: str | None, accept: str | None) -> str:
    """The form that `f` names, else the one that an `Accept` header likes best, GeoJSON where it does not say."""
    if asked is not None:
        return _OTHER_NAMES.get(asked, asked)
    return choose_of(accept, _OFFERED)
