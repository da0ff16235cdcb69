"""Where the texts of licences stand, by the names that imports give them. Pure."""

from __future__ import annotations

import re

_OPEN_DATA = "https://opendatacommons.org/licenses"
_COMMONS = re.compile(r"cc[ -](by|by-sa|by-nd|by-nc|by-nc-sa|by-nc-nd)[ -]([1-4]\.[0-9])", re.IGNORECASE)
#: Name in lower case, its version and blanks left out → address.
_ADDRESSES = {
    "odbl-1.0": f"{_OPEN_DATA}/odbl/1-0/",
    "odc-by-1.0": f"{_OPEN_DATA}/by/1-0/",
    "pddl-1.0": f"{_OPEN_DATA}/pddl/1-0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}


def licence_address(licence: str) -> str | None:
    """The address of a licence's text: of an SPDX name that data goes by, or the address it was given as; else None."""
    written = licence.strip()
    if re.fullmatch(r"https?://[^\s<>\"]{1,500}", written):
        return written
    commons = _COMMONS.fullmatch(written)
    if commons:
        return f"https://creativecommons.org/licenses/{commons[1].lower()}/{commons[2]}/"
    return _ADDRESSES.get(re.sub(r"\s+", "-", written.lower()))
