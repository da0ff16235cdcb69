"""Headings put together of what a class and its fields are called by are known; what could be two things is not."""

from __future__ import annotations

import pytest

from app.ingest.headings import match_headings

KNOWN = {
    "toilets": {
        "公厕名称": "name_zh", "公厕等级": "grade", "公厕类别": "kind", "公厕地址": "address",
        "是否无障碍": "accessible",
        "有无第三卫生间": "family_room", "是否24小时开放": "open_24h", "是否对外开放": "access", "设施名称": "name_zh",
        "设施位置": "address", "建成年份": "built_on", "运营单位": "maintainer", "厕位数量": "stalls",
        "公厕建筑面积(㎡)": "floor_area_m2", "toilet_type": None,
    },
    "parks": {"公园面积": "registered_area_m2", "公园类型": "kind", "是否免费": None, "面积": "registered_area_m2"},
    "residential_areas": {
        "小区名称": "name_zh", "建成年份": "built_year", "建成年代": "built_year", "总户数": "households",
    },
    "gas_devices": {"安装日期": "installed_on", "建成年份": "built_on"},
    "street_lights": {"安装日期": "built_on", "路灯杆高": "height_m"},
}  # fmt: skip


@pytest.mark.parametrize("class_id", KNOWN)
def test_headings_of_chinese_offices_are_known(catalogue, class_id):
    cls = catalogue.get_class(class_id)
    found = {heading: match_headings([heading], cls).fields.get(heading) for heading in KNOWN[class_id]}
    assert {h: field and field.name for h, field in found.items()} == KNOWN[class_id]


def test_the_class_s_own_number_is_the_key_and_its_name_a_name(catalogue):
    cls = catalogue.get_class("parks")
    meaning = match_headings(["公园编号", "ParkName", "序号"], cls)
    assert (meaning.key, meaning.name, meaning.rest) == ("公园编号", "ParkName", ("序号",))


def test_a_composed_heading_comes_after_one_that_stands_alone(catalogue):
    meaning = match_headings(["公厕等级", "等级"], catalogue.get_class("toilets"))
    # The title of the field is 公厕等级, 等级 only an alias.
    assert meaning.fields.keys() == {"公厕等级"}
    meaning = match_headings(["公厕地址", "地址"], catalogue.get_class("toilets"))
    assert meaning.fields.keys() == {"地址"}
