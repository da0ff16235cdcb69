"""A Chinese reader finds no English left over on any page of text, and the other way round."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

PAGES = (
    "/overview",
    "/collections",
    "/collections/toilets",
    "/collections/toilets/items",
    "/collections/toilets/items/1",
    "/collections/toilets/items/1/history",
    "/collections/toilets/items?filter=nonsense+%3D+1",
    "/collections/toilets/schema",
    "/collections/toilets/queryables",
    "/collections/coverage_gaps",
    "/summary",
    "/completeness",
    "/completeness/toilets",
    "/areas/check",
    "/search?q=a",
    "/search",
    "/changes",
    "/imports",
    "/imports/new",
    "/policies",
    "/policies/green-300-500",
    "/coverage",
    "/coverage/{run}/report",
    "/map/no_such_class",
    "/imports/00000000",
    "/coverage/00000000-0000-0000-0000-000000000000/map",
    "/collections/toilets/items?limit=many",
    "/collections/toilets/items/999999",
    "/summary?area=nowhere",
    "/policies/no_such",
    "/nowhere",
)
#: What stands in pages as the data has it, or as all languages write it.
DATA = {
    "td",
    "dd",
    "code",
    "pre",
    "script",
    "style",
    "svg",
    "footer",
    "title",
    "textarea",
    "datalist",
    "option",
    "ul",
    "ol",
}
#: Lists whose entries are words of the page.
WORDS = {"classes"}
#: Names of formats, systems, products and units.
ALLOWED = re.compile(
    r"\b(Chengtu|OGC|API|Features?|QGIS|GDAL|WFS|GeoJSON|GeoPackage|GeoJSONSeq|JSON|Schema|CSV|Excel|XLSX|Shapefile|ZIP|"
    r"FileGDB|KML|GPX|DXF|OSM|FlatGeobuf|GeoParquet|Parquet|GML|zip|dbf|shx|prj|CQL2?|EPSG|WGS|CGCS2000|GCJ|BD|UUID|"
    r"YAML|JGJ|imports|English|OpenStreetMap|SHP|SQL|Ctrl|JavaScript|chengtu|import|Arrow|toilets|[a-z]+_[a-z_]+|limit|many|nowhere|id|"
    r"nonsense|no|such|ha|km|PMTiles|MBTiles|HTML|TL|items|classes|docs|reference|md|GET|coverage|map|ISO|CRS|GB|CJJ?|PDF|"
    r"green|sample|town|Konijnendijk|canopy|manholes|parks|https?|lang|http)\b"
)
#: Names to choose from, addresses, and the digits of ids.
NAMES = re.compile(r"(可用的名称：|是否指 )[^。？]*|/[\w/.?=…-]+|\b[0-9a-f]{8}\b")
#: Chinese that an English page shows on purpose: the language link, the product's own name, names of areas.
CHINESE_ALLOWED = re.compile(r"城图|中文|审图号|内部使用|示例数据，非真实")


class Text(HTMLParser):
    """The words of a page that are the page's own: not of data, code, or marked as another language."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self.lang = lang
        self.open: list[tuple[str, bool]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kept = bool(WORDS & set((given.get("class") or "").split()))
        foreign = tag != "html" and "lang" in given and not (given["lang"] or "").startswith(self.lang)
        data = (tag in DATA and not kept) or foreign or "data" in (given.get("class") or "").split()
        # The name of an area or feature in the head of a row, and of the page itself.
        data = data or (tag in {"th", "h1"} and given.get("scope") == "row")
        if tag not in {"meta", "link", "input", "br", "img", "hr"}:
            self.open.append((tag, data))
        if not data and not any(hidden for _, hidden in self.open):
            self.said += [
                given[name] or "" for name in ("placeholder", "aria-label", "alt") if given.get(name)
            ]

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self.open):
            self.said.append(data.strip())


def words_of(html: str, lang: str) -> list[str]:
    parser = Text(lang)
    parser.feed(html)
    return [text for text in parser.said if text]


def get(address: str) -> str:
    request = Request(address, headers={"Accept": "text/html"})
    try:
        with urlopen(request, timeout=30) as reply:
            return reply.read().decode()
    except HTTPError as error:
        return error.read().decode() if error.code in {400, 404} else ""


@pytest.mark.parametrize("page", PAGES)
def test_no_words_of_the_other_language_are_left(address, town, page):
    path = page.replace("{run}", town.runs["green-300-500"])
    joint = "&" if "?" in path else "?"
    chinese = words_of(get(f"{address}{path}{joint}lang=zh"), "zh")
    left = [text for text in chinese if re.search(r"[A-Za-z]{3,}", ALLOWED.sub("", NAMES.sub("", text)))]
    assert left == []
    english = words_of(get(f"{address}{path}{joint}lang=en"), "en")
    left = [text for text in english if re.search(r"[\u3400-\u9fff]", CHINESE_ALLOWED.sub("", text))]
    assert left == []
    assert len(chinese) > 5
    assert len(english) > 5
