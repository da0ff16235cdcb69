"""What the importer says, in Chinese and over HTTP: every sentence is known, none is kept that nobody says."""

from __future__ import annotations

import re

import pytest

from app.ingest.upload_options import UploadOptions
from app.words.coverage import COVERAGE
from app.words.edits import EDITS
from app.words.exports import EXPORTS
from app.words.files import FILES
from app.words.filters import FILTERS
from app.words.notes import NOTES
from app.words.options import OPTIONS
from app.words.reading import READING
from app.words.requests import REQUESTS
from app.words.rows import ROWS
from app.words.sentences import in_chinese, over_http, say, say_on_page, told, told_report
from tests.effort import is_little
from tests.words.sources import EDIT_CALLS, FILE_CALLS, ROW_CALLS, every_text, files, said

#: Modules whose errors only the command line tells.
COMMAND_LINE = {
    "infer_service",
    "infer_yaml",
    "mapping_file",
    "commands",
    "command_service",
    "class_commands",
}
#: What GEOS says of shapes, and what is put together of pieces shorter than a name.
NOT_WRITTEN_HERE = (
    "{first!t} (",
    "Self-intersection", "Ring Self-", "Hole lies", "Nested shells", "Holes are", "Interior is", "Duplicate Rings",
    "Invalid Coordinate", "Ring is not", "Too few points", "A number from", "{digits} digits:", "the longitude is",
    "the latitude is",
    # What the checker of parameters says of a value.
    "input should be", "string should", "list should", "extra inputs", "field required", "value error",
    "Method Not Allowed",
)  # fmt: skip


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("the row has no code", "该行没有编码"),
        ("the code is already used in row 3", "该编码已用于第 3 行"),
        ("the code is already used in row 3 for the same days", "该编码在相同日期内已用于第 3 行"),
        (
            "it lies 12 km outside the city; likely cause: the axes are swapped",
            "位于城市范围外 12 公里；可能原因：坐标轴颠倒",
        ),
        ("A number from 0 in pieces.", "不小于 0 的数字，单位 个。"),
        ("A number from 0 in mm.", "不小于 0 的数字，单位 mm。"),
        ("the geometry is a line, this class holds points or polygons", "图形是线，本类只存点或面"),
        (
            "a number is expected; also 编码: the row has no code",
            "应为数字；编码 也有误：该行没有编码",
        ),
        (
            "a number is expected; also 蹲位: a whole number is expected (1.5); also x: the row has no code",
            "应为数字；蹲位 也有误：应为整数（1.5）；x 也有误：该行没有编码",
        ),
        ("经度: 'a. B' is no coordinate", "经度：“a. B”不是坐标"),
        (
            "Give --crs gcj02. Where the row is right as it is, --allow-outside takes it.",
            "请给出 --crs gcj02。若该行确实无误，可用 --allow-outside 接收。",
        ),
        (
            "'stalls' is a number, 'four' a text: they cannot be compared.",
            "'stalls' 是数值，'four' 是文本，两者不能比较。",
        ),
        (
            "A filter takes true or false, and 'stalls' is a number.",
            "筛选条件须为真或假，而 'stalls' 是数值。",
        ),
        ("LIKE takes a text, and 'stalls' is a number.", "LIKE 需要文本，而 'stalls' 是数值。"),
        (
            "Texts stand in single quotes: 'public'. Did you mean kind?",
            "文本写在单引号中：'public'。是否指 kind？",
        ),
        ("'规划.dwg' is a DWG drawing, which is not read.", "“规划.dwg”是 DWG 图，不读取这种文件。"),
    ],
)
def test_a_sentence_is_known_by_its_template(english, chinese):
    assert in_chinese(english) == chinese


@pytest.mark.parametrize("text", ["", "nobody says this", "the row has no code. And more.", "x" * 5000])
def test_what_nobody_says_stays_as_it_is(text):
    assert in_chinese(text) is None
    assert say(text, "zh") == text


@pytest.mark.parametrize(
    "text",
    [
        "start point '" + "a. " * 1200 + "' is not in the point table",
        "x" + "; also x: x (x" * 270 + "!",
        "Nothing was imported. " * 180,
        "incomplete: " * 300,
        "xx: " * 900,
    ],
)
def test_a_long_value_of_a_file_neither_breaks_nor_holds_up_the_report(text):
    is_little(lambda: told({"reason": text, "hint": text}, http=True), 2)


@pytest.mark.parametrize(
    ("text", "http"),
    [
        ("Where the row is right as it is, --allow-outside takes it.",
         "Where the row is right as it is, allow_outside=true takes it."),
        ("Give --crs EPSG:4548.", "Give crs=EPSG:4548."),
        ("请给出 --crs EPSG:4548。", "请给出 crs=EPSG:4548。"),
        ("Name it with --code-system or in a column.", "Name it with 'code_system' or in a column."),
        ("If they are the same features, say --key 编号.", "If they are the same features, say key=编号."),
        ("choose with --on-conflict: file or stored.", "choose with 'on_conflict': file or stored."),
        ("--rejects FILE and --unknown stay", "--rejects FILE and --unknown stay"),
        ("`chengtu imports` lists them.", "`GET /imports` lists them."),
    ],
)  # fmt: skip
def test_over_http_the_fields_of_the_form_are_named(text, http):
    assert over_http(text) == http
    assert over_http(http) == http


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("Where the row is right as it is, --allow-outside takes it.", "若该行确实无误，可用“接收市界以外的行”接收。",
         "Where the row is right as it is, “Take rows outside the city's border” takes it."),
        ("Give --crs EPSG:4548.", "请给出 “坐标系” EPSG:4548。", "Give “coordinate system” EPSG:4548."),
    ],
)  # fmt: skip
def test_a_page_names_its_own_choices(text, chinese, english):
    said = say_on_page(text, "zh")
    assert said is not None
    assert said.replace(" ", "") == chinese.replace(" ", "")
    assert say_on_page(text, "en") == english


def test_the_options_are_those_of_an_upload():
    fields = {item.alias or name for name, item in UploadOptions.model_fields.items()} - {
        "filename",
        "upload",
    }
    assert {field for field, _ in OPTIONS.values()} == fields


def test_an_item_is_told_in_both_languages():
    item = {"row": 3, "reason": "the row has no code", "hint": "nobody says this --key"}
    assert told(item, http=True) == {
        "row": 3, "reason": "the row has no code", "reason_zh": "该行没有编码",
        "hint": "nobody says this 'key'", "hint_zh": None,
    }  # fmt: skip
    report = told_report({"path": "a.csv", "rejects": [item], "conflicts": []}, http=False)
    assert report["rejects"][0]["hint"] == "nobody says this --key"
    assert (report["path"], report["conflicts"]) == ("a.csv", [])


def composed(text: str) -> bool:
    """Put together of other sentences, or of nothing but values."""
    return text.startswith("7") or text in {"the geometry 7", "'7' is 77."} or not text.strip()


def test_every_reason_and_hint_of_a_row_has_chinese():
    paths = [path for path in files("ingest", "validation", "space") if path.stem not in COMMAND_LINE]
    said_of_rows = {(path.stem, text) for path in paths for text in said(path, ROW_CALLS)}
    assert len(said_of_rows) > 80
    assert [one for one in sorted(said_of_rows) if not composed(one[1]) and in_chinese(one[1]) is None] == []


def test_every_refusal_of_a_file_has_chinese():
    paths = [path for path in files("ingest", "validation") if path.stem not in COMMAND_LINE]
    refusals = {(path.stem, text) for path in paths for text in said(path, FILE_CALLS)}
    assert len(refusals) > 150
    assert [one for one in sorted(refusals) if not composed(one[1]) and in_chinese(one[1]) is None] == []


def test_every_sentence_of_an_edit_has_chinese():
    own = ("edit", "preconditions")
    paths = [path for path in files("ogc") if path.stem.startswith(own)]
    calls = EDIT_CALLS | FILE_CALLS
    told = {(path.stem, text) for path in paths for text in said(path, calls) if text}
    assert len(told) > 50
    assert [one for one in sorted(told) if not composed(one[1]) and in_chinese(one[1]) is None] == []


def test_every_refusal_of_an_export_has_chinese():
    paths = [path for path in files("exports") if path.stem in {"service", "placing", "profile", "xlsx"}]
    told = {(path.stem, text) for path in paths for text in said(path, FILE_CALLS) if text}
    assert len(told) > 20
    assert [one for one in sorted(told) if not composed(one[1]) and in_chinese(one[1]) is None] == []


def stands(piece: str, written: str) -> bool:
    """Whether some dozen letters of a piece stand in the sources, which may make it of smaller ones."""
    return any(piece[i : i + 12] in written for i in range(max(1, len(piece) - 11)))


def test_no_sentence_is_kept_that_nobody_says():
    written = every_text()
    kept = [
        text
        for text in {
            **ROWS,
            **FILES,
            **READING,
            **NOTES,
            **EDITS,
            **FILTERS,
            **REQUESTS,
            **EXPORTS,
            **COVERAGE,
        }
        if not text.startswith(NOT_WRITTEN_HERE)
    ]
    pieces = {text: max(re.split(r"\{\w+(?:!\w)?\}", text), key=len) for text in kept}
    assert [text for text, piece in pieces.items() if not stands(piece, written)] == []


def test_both_languages_have_the_same_values():
    for english, chinese in {
        **ROWS,
        **FILES,
        **READING,
        **NOTES,
        **EDITS,
        **FILTERS,
        **REQUESTS,
        **EXPORTS,
        **COVERAGE,
    }.items():
        given = {name.partition("!")[0] for name in re.findall(r"\{(\w+(?:!\w)?)\}", english)}
        assert set(re.findall(r"\{(\w+)\}", chinese)) <= given, english
        assert not re.search(r"\{\w+!", chinese), english
