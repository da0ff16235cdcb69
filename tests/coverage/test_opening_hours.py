"""Opening hours as registers write them: open, closed or unknown at a moment. 2026-07-01 is a Wednesday."""

from __future__ import annotations

from datetime import date

import pytest

from app.catalogue.moments import Moment, moment_of
from app.coverage.opening_hours import is_open, parse
from app.errors import BadInput

WED, SAT, SUN, MON = (date(2026, 7, day) for day in (1, 4, 5, 6))


def at(day, clock, month=7):
    hour, minute = map(int, clock.split(":"))
    return Moment(day.replace(month=month), hour * 60 + minute)


@pytest.mark.parametrize(
    ("text", "open_", "closed"),
    [
        ("24/7", [(WED, "03:00"), (SUN, "23:59")], []),
        ("06:00-22:00", [(WED, "06:00"), (WED, "21:59")], [(WED, "22:00"), (WED, "05:59")]),
        ("Mo-Fr 08:00-17:00", [(WED, "08:00")], [(SAT, "12:00"), (WED, "17:00")]),
        ("Mo-Fr 08:00-12:00,14:00-18:00", [(WED, "09:00"), (WED, "15:00")], [(WED, "13:00")]),
        ("Mo-Fr 08:00-17:00; Sa 09:00-12:00", [(SAT, "10:00")], [(SAT, "13:00"), (SUN, "10:00")]),
        ("Mo-Fr 08:00-17:00, Sa 09:00-12:00", [(SAT, "10:00")], [(SUN, "10:00")]),
        ("Mo-Su 08:00-18:00; Mo off", [(SUN, "10:00")], [(MON, "10:00")]),
        ("08:00-18:00; PH off", [(WED, "10:00")], [(WED, "19:00")]),
        ("Mo-Sa,PH 08:00-18:00", [(SAT, "10:00")], [(SUN, "10:00")]),
        ("18:00-02:00", [(WED, "01:00"), (WED, "23:00")], [(WED, "03:00")]),
        ("Tu 18:00-26:00", [(WED, "01:30")], [(WED, "19:00"), (MON, "01:00")]),
        ("Apr-Oct 06:00-22:00; Nov-Mar 07:00-18:00", [(WED, "21:00")], [(WED, "23:00")]),
        ("May 01-Jun 30 06:00-22:00", [], [(WED, "12:00")]),
        ("Jul 1-15 06:00-22:00", [(WED, "12:00")], []),
        ("Mo-Su 08:00-20:00; Mo-Fr 12:00-13:00 off", [(WED, "11:00"), (SAT, "12:30")], [(WED, "12:30")]),
        ("Monday-Friday: 8am-5pm", [(WED, "16:59")], [(WED, "17:00"), (SAT, "10:00")]),
        ("Fr-Mo 10:00-12:00", [(SUN, "11:00")], [(WED, "11:00")]),
    ],
)
def test_hours_of_openstreetmap(text, open_, closed):
    assert all(is_open(text, at(*moment)) is True for moment in open_)
    assert all(is_open(text, at(*moment)) is False for moment in closed)


@pytest.mark.parametrize(
    ("text", "open_", "closed"),
    [
        ("6:00-22:00", [(WED, "21:00")], [(WED, "22:30")]),
        ("６：００－２２：００", [(WED, "21:00")], [(WED, "22:30")]),
        ("6：00～22：00", [(WED, "21:00")], [(WED, "22:30")]),
        ("全天", [(WED, "03:00")], []),
        ("全天开放", [(SUN, "03:00")], []),
        ("24小时", [(SUN, "03:00")], []),
        ("24小时开放", [(SUN, "03:00")], []),
        ("周一至周五 8:00-17:00", [(WED, "12:00")], [(SAT, "12:00"), (WED, "18:00")]),
        ("周一至周五8:00-17:00；周六9:00-12:00", [(SAT, "10:00")], [(SUN, "10:00")]),
        ("8:00-17:00（周一至周五）", [(WED, "12:00")], [(SAT, "12:00")]),
        ("周一至五 8:00至17:30", [(WED, "17:15")], [(SAT, "12:00")]),
        ("工作日8:30-17:00，周末9:00-16:00", [(WED, "08:45"), (SUN, "15:00")], [(SUN, "08:45")]),
        ("每天6点到22点", [(WED, "21:59")], [(WED, "22:00")]),
        ("早6点至晚10点", [(WED, "21:59")], [(WED, "22:00")]),
        ("上午8:00-12:00，下午2:00-5:30", [(WED, "17:00")], [(WED, "13:00"), (WED, "18:00")]),
        ("8点半-17点", [(WED, "08:30")], [(WED, "08:29")]),
        ("早上5时30分—晚上12点", [(WED, "23:59")], [(WED, "05:00")]),
        ("22:00-次日6:00", [(WED, "05:00"), (WED, "23:00")], [(WED, "12:00")]),
        ("8:00-17:00，周一闭馆", [(SUN, "12:00")], [(MON, "12:00")]),
        ("8:00-17:00（周一闭园）", [(SUN, "12:00")], [(MON, "12:00")]),
        ("夏季（4月-10月）5:00-22:00；冬季（11月-3月）6:00-20:00", [(WED, "21:00")], [(WED, "23:00")]),
        ("8:00-17:00，节假日除外", [(WED, "12:00")], [(WED, "18:00")]),
        ("开放时间：05:00-23:00", [(WED, "22:00")], [(WED, "04:00")]),
        ("周六、日 9:00-17:00", [(SAT, "12:00"), (SUN, "12:00")], [(WED, "12:00")]),
        ("星期二到星期日 9:00-17:00", [(SUN, "12:00")], [(MON, "12:00")]),
    ],
)
def test_hours_of_chinese_registers(text, open_, closed):
    assert all(is_open(text, at(*moment)) is True for moment in open_)
    assert all(is_open(text, at(*moment)) is False for moment in closed)


def test_winter_hours_hold_in_winter():
    text = "夏季（4月-10月）5:00-22:00；冬季（11月-3月）6:00-20:00"
    assert is_open(text, at(WED, "19:00", month=1)) is True
    assert is_open(text, at(WED, "21:00", month=1)) is False


@pytest.mark.parametrize(
    "text",
    [
        None, "", "sunrise-sunset", "视天气而定", "8:00", "8:00+", "Mo[1] 08:00-12:00", "week 1-10 08:00-12:00",
        "2026 Jan 08:00-12:00", "by appointment", "25:99-30:00", "夏季6:00-22:00", "PH off", "随商场营业时间",
        'Mo-Fr 08:00-17:00 || "call us"', "Jan-", "-", ",", "8:00-17:00" * 60,
    ],
)  # fmt: skip
def test_what_is_not_understood_is_unknown(text):
    assert is_open(text, at(WED, "12:00")) is None


def test_hours_are_asked_of_a_working_day_unless_one_is_named():
    assert moment_of("22:00", date(2026, 7, 4)) == Moment(date(2026, 7, 8), 1320)
    assert moment_of("Sa 07:30", date(2026, 7, 1)) == Moment(SAT, 450)
    assert moment_of("22:00", date(2026, 7, 1)) == Moment(WED, 1320)
    for wrong in ("24:00", "22", "noon", "Xx 10:00", "10:60"):
        with pytest.raises(BadInput):
            moment_of(wrong, date(2026, 7, 1))


def test_hours_once_read_are_kept():
    assert parse("Mo-Fr 08:00-17:00") is parse("Mo-Fr 08:00-17:00")
