"""Moments as files write them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from app.validation.moments import read_moment
from tests.moments import LOCAL, drawn

MOMENT = datetime(2022, 4, 16, 2, 13, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2022-04-16T02:13:19Z", "2022-04-16t02:13:19z", "2022-04-16 10:13:19+08:00", "2022-04-16T10:13:19+0800",
        "2022/04/16 10:13:19+08", "2022-4-16 2:13:19 UTC", "2022年4月16日 10时13分19秒+08:00", "20220416T021319Z",
        "2022-04-16T02:13:19.000000000Z", " 2022-04-15T21:13:19-05:00 ",
    ],
)  # fmt: skip
def test_the_usual_spellings_are_one_moment(text):
    assert read_moment(text) == MOMENT


def test_what_names_no_zone_is_in_that_of_the_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        for given in ("2022-04-16 10:13:19", "20220416101319", datetime(2022, 4, 16, 10, 13, 19)):  # noqa: DTZ001
            assert read_moment(given) == MOMENT
        midnight = datetime(2022, 4, 15, 16, tzinfo=UTC)
        assert read_moment("2022-04-16") == read_moment(date(2022, 4, 16)) == midnight
    finally:
        monkeypatch.undo()
        time.tzset()


def test_two_thousand_moments_written_without_a_zone_keep_day_and_second(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        told = {moment: moment.astimezone(LOCAL) for moment in drawn(2000)}
        # An hour that comes twice where a summer time ends names two moments: the first of them is taken.
        wrong = [
            moment
            for moment, local in told.items()
            if not local.fold and read_moment(f"{local:%Y-%m-%d %H:%M:%S}") != moment
        ]
        assert wrong == []
        assert sum(local.utcoffset() == timedelta(hours=9) for local in told.values()) > 100
        assert sum(f"{local:%H%M%S}" == "000000" for local in told.values()) > 100
    finally:
        monkeypatch.undo()
        time.tzset()


def test_parts_of_a_second_are_kept_to_the_microsecond():
    assert read_moment("2022-04-16T02:13:19.1234567Z") == MOMENT.replace(microsecond=123456)
    zone = timezone(timedelta(hours=8))
    assert read_moment(datetime(2022, 4, 16, 10, 13, 19, tzinfo=zone)) == MOMENT


@pytest.mark.parametrize(
    "given",
    [
        "", "soon", "2022-13-01T00:00:00Z", "2022-02-30", "10:13", "2022-04-16T25:00:00Z", "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00", "2022-04-16T02:13:19+99:00", 1.5, True, None, ["2022-04-16"],
    ],
)  # fmt: skip
def test_what_tells_no_moment_is_none(given):
    assert read_moment(given) is None
