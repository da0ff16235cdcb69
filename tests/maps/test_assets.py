"""Assets: pinned, hashed, without an address, whole after a fetch, quick the second time."""

from __future__ import annotations

import json
import time

from app.web import assets
from app.web.bundle import bundle


def test_the_lock_pins_hashes_and_names_no_address():
    lock = json.loads((assets.WEB / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((assets.WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert all("resolved" not in one for one in packages.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_every_file_is_there_and_a_second_fetch_does_nothing():
    started = time.monotonic()
    assert assets.fetch() is False
    assert time.monotonic() - started < 0.5
    for package, names in assets.FILES.items():
        for name in names:
            found = list((assets.VENDOR / assets.FOLDERS[package]).glob(name.rsplit("/", 1)[-1]))
            assert found, name
            assert all(path.stat().st_size > 0 for path in found)


def test_bundles_ask_for_no_source_map_and_change_their_address_with_their_text():
    for name in ("map.js", "map.css", "page.css"):
        made = bundle(name)
        assert "sourceMappingURL" not in made.text
        assert made.digest in made.address
