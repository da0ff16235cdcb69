"""What is kept of a photo: the picture, small; its place and moment beside it; nothing else of the file."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime

import pytest
from PIL import ExifTags, Image

from app.errors import BadInput
from app.field.photos import MAX_BYTES, MAX_SIDE, clean
from tests.field.conftest import jpeg

SECRET = "Zhang San's phone"


def exif_of_a_phone() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET
    exif[ExifTags.Base.Orientation] = 6
    taken = exif.get_ifd(ExifTags.IFD.Exif)
    taken[ExifTags.Base.DateTimeOriginal] = "2026:05:04 08:30:00"
    taken[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (28.0, 40.0, 48.0)
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "E", (115.0, 51.0, 36.0)
    return exif


def test_place_and_moment_are_read_and_the_rest_is_dropped():
    photo = clean(jpeg((640, 480), exif_of_a_phone()))
    assert photo.spot.lon == pytest.approx(115.86)
    assert photo.spot.lat == pytest.approx(28.68)
    assert photo.spot.at == datetime(2026, 5, 4, 0, 30, tzinfo=UTC)
    kept = Image.open(io.BytesIO(photo.body))
    assert (kept.format, dict(kept.getexif())) == ("JPEG", {})
    assert SECRET.encode() not in photo.body
    assert b"Exif" not in photo.body
    # Turned upright, since nothing says any more how it is to be turned.
    assert kept.size == (photo.width, photo.height) == (480, 640)


def test_large_pictures_become_small():
    photo = clean(jpeg((2000, 1500)))
    assert len(photo.body) <= MAX_BYTES
    assert max(photo.width, photo.height) <= MAX_SIDE
    assert photo.width / photo.height == pytest.approx(4 / 3, abs=0.01)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_kinds_become_jpegs(kind):
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGBA").save(out, kind)
    photo = clean(out.getvalue())
    assert photo.body.startswith(b"\xff\xd8\xff")
    assert (photo.width, photo.height) == (256, 256)


def test_comments_of_the_file_are_dropped():
    out = io.BytesIO()
    Image.new("RGB", (50, 50)).save(out, "JPEG", comment=SECRET.encode(), xmp=SECRET.encode())
    assert SECRET.encode() in out.getvalue()
    assert SECRET.encode() not in clean(out.getvalue()).body


def test_what_is_no_picture_is_refused():
    gif = io.BytesIO()
    Image.new("P", (9, 9)).save(gif, "GIF")
    half = jpeg()[:3000]
    for data in (
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff\xe0 no",
        gif.getvalue(),
        half,
    ):
        with pytest.raises(BadInput):
            clean(data)


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = io.BytesIO()
    Image.new("1", (9_000, 7_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 200_000
    with pytest.raises(BadInput, match="pixels"):
        clean(bomb.getvalue())


def test_a_place_that_is_none_is_left_out():
    exif = exif_of_a_phone()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLongitude] = (400.0, 0.0, 0.0)
    assert clean(jpeg((64, 48), exif)).spot.lon is None


def test_more_numbers_than_an_angle_has_are_not_added_up():
    exif = exif_of_a_phone()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (28.0, 40.0, 48.0, *([1.0] * 400))
    assert clean(jpeg((64, 48), exif)).spot.lat == pytest.approx(28.68)


@pytest.mark.parametrize("written", ["0001:01:01 00:00:00", "9999:12:31 23:59:59"])
def test_a_moment_of_no_phone_is_left_out(written):
    exif = exif_of_a_phone()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = written
    assert clean(jpeg((64, 48), exif)).spot.at is None


def test_a_picture_of_endless_passes_is_refused_before_it_is_unpacked():
    out = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    last = whole.rindex(b"\xff\xda")
    assert clean(whole).width == MAX_SIDE
    with pytest.raises(BadInput, match="passes"):
        clean(whole[:-2] + whole[last:-2] * 200 + whole[-2:])


@pytest.mark.filterwarnings("ignore::UserWarning")  # the library warns of broken Exif
def test_whatever_the_bytes_are_a_picture_is_read_or_refused():
    rnd = random.Random(8)
    out = io.BytesIO()
    Image.effect_noise((64, 48), 90).save(out, "PNG", exif=exif_of_a_phone())
    seeds = [jpeg((64, 48), exif_of_a_phone()), jpeg((64, 48), exif_of_a_phone(), "WEBP"), out.getvalue()]
    refused = 0
    for _ in range(1500):
        data = bytearray(rnd.choice(seeds))
        for _ in range(rnd.choice((1, 2, 5, 20))):
            data[rnd.randrange(min(len(data), 600))] = rnd.choice((0, 1, 255, rnd.randrange(256)))
        try:
            clean(bytes(data))
        except BadInput:
            refused += 1
    assert 0 < refused < 1500
