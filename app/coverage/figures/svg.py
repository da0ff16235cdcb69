"""Small drawings as SVG text: shapes in metres, marks, numbers, and a legend in both languages.

Colours are those of Okabe and Ito (2008), told apart with any kind of colour vision; unserved land is hatched as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import shapely

from app.catalogue.title import Title

SERVED, GAP, FACILITY, WATER = "#009E73", "#D55E00", "#0072B2", "#56B4E9"
FRAME, OTHER = "#CC79A7", "#E69F00"
INK, STREET, LAND, PAPER = "#222222", "#8a8a8a", "#f2efe6", "#ffffff"
WIDTH, MARGIN, LINE = 680.0, 18.0, 20.0
FONT = "font-family=\"'Noto Sans', 'Noto Sans SC', sans-serif\""


@dataclass(frozen=True, slots=True)
class Style:
    """How a shape is drawn: fill (or none), stroke, its width in pixels, dashes; hatched or not."""

    fill: str = "none"
    stroke: str = INK
    width: float = 1.2
    dash: str = ""
    hatched: bool = False
    opacity: float = 1.0


HOME = Style(LAND, INK)
SERVED_LAND = Style(SERVED, "none", opacity=0.55)
GAP_LAND = Style(GAP, GAP, 1.0, hatched=True)
REACH = Style("none", FACILITY, 1.4, "6 4")
SITE = Style(FACILITY, FACILITY)
ROAD = Style("none", STREET, 4.0)
WAY = Style("none", OTHER, 2.6)
BORDER = Style("none", FRAME, 2.2, "10 4 2 4")
RIVER = Style(WATER, "none", opacity=0.6)


@dataclass
class Drawing:
    """A drawing of the land within `bounds` (west, south, east, north) in metres, north above."""

    bounds: tuple[float, float, float, float]
    width: float = WIDTH
    body: list[str] = field(default_factory=list)
    legend: list[tuple[str, Style, Title]] = field(default_factory=list)

    @property
    def scale(self) -> float:
        """Pixels a metre."""
        return (self.width - 2 * MARGIN) / (self.bounds[2] - self.bounds[0])

    @property
    def height(self) -> float:
        """Pixels of the drawing without its legend."""
        return (self.bounds[3] - self.bounds[1]) * self.scale + 2 * MARGIN

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a place in metres."""
        return MARGIN + (x - self.bounds[0]) * self.scale, MARGIN + (self.bounds[3] - y) * self.scale

    def shape(self, shape: shapely.Geometry, style: Style, legend: Title | None = None) -> None:
        """Draw polygons or lines, cut at the drawing's border; `legend` says what they are."""
        seen = shapely.intersection(shape, shapely.box(*self.bounds))
        for part in shapely.get_parts(seen):
            rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
            closed = " Z" if part.geom_type == "Polygon" else ""
            path = " ".join(f"M{self._path(ring)}{closed}" for ring in rings)
            self.body.append(f'<path d="{path}" {_paint(style)}/>')
        self._explain("box" if style.fill != "none" else "line", style, legend)

    def dot(self, x: float, y: float, style: Style = SITE, legend: Title | None = None) -> None:
        """A facility, a gate or a centre at a place in metres."""
        left, top = self.at(x, y)
        self.body.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="5" {_paint(style)}/>')
        self._explain("dot", style, legend)

    def text(self, x: float, y: float, text: str, *, anchor: str = "middle", bold: bool = False) -> None:
        """Text with its middle (or start, or end) at a place in metres, on a halo so that it reads on anything."""
        left, top = self.at(x, y)
        self.body.append(
            f'<text x="{left:.1f}" y="{top + 5:.1f}" text-anchor="{anchor}"'
            f"{' font-weight=' + chr(34) + '700' + chr(34) if bold else ''} {HALO}>{escape(text)}</text>"
        )

    def measure(self, start: tuple[float, float], end: tuple[float, float], text: str) -> None:
        """A dimension line with its length beside the middle."""
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        self.body.append(
            f'<path d="M{x1:.1f} {y1:.1f} L{x2:.1f} {y2:.1f}" fill="none" stroke="{INK}" stroke-width="1"'
            ' marker-start="url(#tick)" marker-end="url(#tick)"/>'
        )
        self.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, text)

    def svg(self, title: Title) -> str:
        """The whole file; `title` is what a reader hears who does not see it."""
        rows = [self.legend[i : i + 2] for i in range(0, len(self.legend), 2)]
        height = self.height + LINE * len(rows) + (6 if rows else 0)
        size = f"{self.width:.0f}", f"{height:.0f}"
        lines = [
            HEAD.format(*size),
            f"<title>{escape(title.zh)} · {escape(title.en)}</title>",
            DEFINITIONS,
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *self.body,
            *(
                _legend(MARGIN + column * (self.width - MARGIN) / 2, self.height + LINE * (row + 0.3), *entry)
                for row, entries in enumerate(rows)
                for column, entry in enumerate(entries)
            ),
            "</svg>",
        ]
        return "\n".join(lines) + "\n"

    def _path(self, line: shapely.Geometry) -> str:
        places = (self.at(x, y) for x, y in shapely.get_coordinates(line).tolist())
        return " L".join(f"{x:.1f} {y:.1f}" for x, y in places)

    def _explain(self, kind: str, style: Style, legend: Title | None) -> None:
        if legend is not None and legend not in (known for *_, known in self.legend):
            self.legend.append((kind, style, legend))


HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
    f'{FONT} font-size="14" fill="{INK}">'
)
HALO = f'stroke="{PAPER}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
DEFINITIONS = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="7" height="7" fill="{PAPER}"/><rect width="2.6" height="7" fill="{GAP}"/></pattern>'
    '<marker id="tick" viewBox="-1 -5 2 10" markerWidth="2" markerHeight="10" markerUnits="userSpaceOnUse" '
    f'orient="auto"><path d="M0 -5 L0 5" stroke="{INK}" stroke-width="1"/></marker></defs>'
)


def _paint(style: Style) -> str:
    fill = "url(#hatch)" if style.hatched else style.fill
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    opacity = f' fill-opacity="{style.opacity}"' if style.opacity < 1 else ""
    return f'fill="{fill}"{opacity} stroke="{style.stroke}" stroke-width="{style.width}"{dash}'


def _legend(left: float, top: float, kind: str, style: Style, title: Title) -> str:
    middle = top + LINE / 2
    mark = {
        "box": f'<rect x="{left:.1f}" y="{middle - 6:.1f}" width="22" height="12" {_paint(style)}/>',
        "line": f'<path d="M{left:.1f} {middle:.1f} h22" {_paint(style)}/>',
        "dot": f'<circle cx="{left + 11:.1f}" cy="{middle:.1f}" r="5" {_paint(style)}/>',
    }[kind]
    return (
        f'{mark}<text x="{left + 30:.1f}" y="{middle + 5:.1f}">{escape(title.zh)} · {escape(title.en)}</text>'
    )
