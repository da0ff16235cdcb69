"""Names of files that mean harm: paths, drives, devices, schemes, markup, formulas, what no name can hold."""

from __future__ import annotations

import random

_UP = (
    "../", "..\\", "%2e%2e%2f", "..%2f", "....//", "..;/", "%252e%252e%252f", "..%c0%af", "．．／", "/",
    "\\\\host\\share\\", "C:\\", "file:///", "/vsicurl/http://127.0.0.1:1/", "/vsizip/", "CSV:", "PG:dbname=x ",
    "GPKG:", "~/", "./", "//", "/dev/fd/0/", "/proc/self/", "http://127.0.0.1:1/", "\x00", "\r\n", "-", "--",
    "$(touch x)", "`id`", ";id;", "|id|",
)  # fmt: skip
_MIDDLE = (
    "toilets", "etc/passwd", "厕所", "𠮷", "a" * 300, "con", "nul", ".bashrc", "=1+1", "<script>", '"><img>', "%s%n",
    "${x}", "{{7*7}}", "\u202egnp", "a\nb", "a;b", 'a"b', "名" * 120, " ", "", ".", "..", "x.gpkg?list_all_tables=1",
)  # fmt: skip
_END = (
    ".csv", ".geojson", ".gpkg", ".zip", ".vrt", ".csv\x00.zip", ".csv ", ".csv.", ".CSV", "", ".sh", ".py",
    ".tar.gz", "." * 40,
)  # fmt: skip


def drawn(seed: int, count: int) -> list[str]:
    """Names from a seed: most climb, all are odd."""
    draw = random.Random(seed)
    return [_one(draw) for _ in range(count)]


def _one(draw: random.Random) -> str:
    climb = draw.choice(_UP) * draw.choice((1, 1, 3, 12))
    name = climb + draw.choice(_MIDDLE) + draw.choice(_END)
    return name if draw.random() < 0.7 else name + draw.choice(_UP) + draw.choice(_MIDDLE) + draw.choice(_END)
