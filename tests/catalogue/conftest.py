from __future__ import annotations

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.settings import ROOT


@pytest.fixture(scope="session")
def declared() -> Catalogue:
    """The catalogue that the program ships with."""
    return load_catalogue(ROOT / "geodata")
