"""Symbols are told apart: by their pictograms, and by colours that people with any colour vision see as different."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from app.maps.layers import ON_AT_START
from app.web.icons import icon_path

# What a dichromat sees, on linear RGB (Viénot, Brettel and Mollon 1999), and what all others do.
SEEN = {
    "all colours": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}
# sRGB to XYZ and the white of D65 (IEC 61966-2-1), XYZ to L*a*b* (CIE 15)
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
MARKS = {"circle", "square", "diamond"}


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    share = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def least_difference(one, other):
    """The least ΔE*ab between two colours among the ways of seeing."""
    return min(np.linalg.norm(lab(m @ linear(one)) - lab(m @ linear(other))) for m in SEEN.values())


def test_the_simulation_tells_what_is_known():
    """Red and green of one lightness fall together, blue and yellow do not."""
    assert least_difference("#b07c00", "#8f8f00") < 12
    assert least_difference("#0072b2", "#e69f00") > 60
    assert least_difference("#123456", "#123456") == 0


def test_lines_and_areas_of_one_office_are_told_apart_by_colour(catalogue):
    classes = [cls for cls in catalogue.classes.values() if cls.symbol.shape not in MARKS]
    alike = {
        (one.id, other.id)
        for one, other in combinations(classes, 2)
        if one.office == other.office
        and one.symbol.shape == other.symbol.shape
        and least_difference(one.symbol.color, other.symbol.color) < 14
    }
    assert alike == set()


def test_what_is_on_at_the_start_is_told_apart_by_colour(catalogue):
    colours = [catalogue.classes[class_id].symbol.color for class_id in ON_AT_START]
    assert all(least_difference(one, other) > 40 for one, other in combinations(colours, 2))


def test_every_mark_has_a_pictogram_of_its_own(catalogue):
    marks = {cls.id: cls.symbol.icon for cls in catalogue.classes.values() if cls.symbol.shape in MARKS}
    assert None not in marks.values()
    assert len(set(marks.values())) == len(marks)


def test_every_pictogram_is_there_and_made_of_paths_alone(catalogue):
    for cls in catalogue.classes.values():
        if cls.symbol.icon:
            path = icon_path(cls.symbol.icon)
            assert path, cls.id
            assert re.fullmatch(r"[MmLlHhVvCcSsQqTtAaZz0-9eE.,\s+-]+", path), cls.id


@pytest.mark.parametrize("name", ["maki/no-such", "temaki/..", "maki/LICENSE"])
def test_an_unknown_pictogram_is_none(name):
    assert icon_path(name) is None
