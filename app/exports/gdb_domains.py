"""The lists of values of a FileGDB (coded domains), which ArcGIS and QGIS offer when somebody edits.

pyogrio has no call for them: they are asked of the GDAL that it brings, by GDAL's own C interface
(https://gdal.org/en/stable/api/vector_c_api.html).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from app.exports.model import ExportColumn, ExportLayer
from app.lazy import lazy_module

gdal_module = lazy_module("pyogrio._ogr")

_UPDATE, _VECTOR = 0x01, 0x04
_STRING, _NO_SUBTYPE = 4, 0
_ALTER_DOMAIN = 0x40
_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int


class _CodedValue(ctypes.Structure):
    """OGRCodedValue: a value and what it is called; the last of a list has neither."""

    _fields_ = (("code", ctypes.c_char_p), ("value", ctypes.c_char_p))


#: Function → what it returns, what it takes.
_CALLS = {
    "GDALOpenEx": (_POINTER, [_TEXT, ctypes.c_uint, _POINTER, _POINTER, _POINTER]),
    "GDALClose": (_INT, [_POINTER]),
    "GDALDatasetGetLayerByName": (_POINTER, [_POINTER, _TEXT]),
    "GDALDatasetAddFieldDomain": (ctypes.c_bool, [_POINTER, _POINTER, _POINTER]),
    "OGR_CodedFldDomain_Create": (_POINTER, [_TEXT, _TEXT, _INT, _INT, ctypes.POINTER(_CodedValue)]),
    "OGR_FldDomain_Destroy": (None, [_POINTER]),
    "OGR_L_GetLayerDefn": (_POINTER, [_POINTER]),
    "OGR_L_AlterFieldDefn": (_INT, [_POINTER, _INT, _POINTER, _INT]),
    "OGR_FD_GetFieldIndex": (_INT, [_POINTER, _TEXT]),
    "OGR_Fld_Create": (_POINTER, [_TEXT, _INT]),
    "OGR_Fld_SetDomainName": (None, [_POINTER, _TEXT]),
    "OGR_Fld_Destroy": (None, [_POINTER]),
}


@cache
def _gdal() -> ctypes.CDLL:
    # A library's symbols are found in those that it needs, wherever they lie.
    library = ctypes.CDLL(gdal_module.__file__)
    for name, (returned, taken) in _CALLS.items():
        call = getattr(library, name)
        call.restype, call.argtypes = returned, taken
    return library


def add_domains(base: Path, layers: Iterable[ExportLayer]) -> None:
    """Give the columns of choices of a FileGDB their lists of values, with both titles.

    Raises:
        OSError: GDAL cannot write them.
    """
    listed = [(layer.name, [c for c in layer.columns if c.choices]) for layer in layers]
    if not any(columns for _, columns in listed):
        return
    gdal = _gdal()
    opened = gdal.GDALOpenEx(str(base).encode(), _UPDATE | _VECTOR, None, None, None)
    if not opened:
        raise OSError(f"{base.name} cannot be opened again")
    try:
        for name, columns in listed:
            _add_to_layer(gdal, opened, name, columns)
    finally:
        gdal.GDALClose(opened)


def _add_to_layer(gdal: ctypes.CDLL, opened: int, name: str, columns: Sequence[ExportColumn]) -> None:
    layer = gdal.GDALDatasetGetLayerByName(opened, name.encode())
    fields = gdal.OGR_L_GetLayerDefn(layer)
    for column in columns:
        domain = f"{name}_{column.name}".encode()
        made = gdal.OGR_CodedFldDomain_Create(
            domain, column.title.zh.encode(), _STRING, _NO_SUBTYPE, _values(column)
        )
        added = gdal.GDALDatasetAddFieldDomain(opened, made, None)
        gdal.OGR_FldDomain_Destroy(made)
        field = gdal.OGR_Fld_Create(column.name.encode(), _STRING)
        gdal.OGR_Fld_SetDomainName(field, domain)
        place = gdal.OGR_FD_GetFieldIndex(fields, column.name.encode())
        failed = not added or gdal.OGR_L_AlterFieldDefn(layer, place, field, _ALTER_DOMAIN)
        gdal.OGR_Fld_Destroy(field)
        if failed:
            raise OSError(f"the values of {name}.{column.name} cannot be written")


def _values(column: ExportColumn) -> ctypes.Array[_CodedValue]:
    pairs = [(value.encode(), f"{title.zh} {title.en}".encode()) for value, title in column.choices.items()]
    found = (_CodedValue * (len(pairs) + 1))()
    for i, (code, value) in enumerate(pairs):
        found[i] = _CodedValue(code, value)
    return found
