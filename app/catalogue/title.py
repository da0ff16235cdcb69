"""A name in the two languages of the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Lang = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Title:
    """A name in Chinese and English."""

    zh: str
    en: str

    def in_(self, lang: Lang) -> str:
        """The name in one language."""
        return self.zh if lang == "zh" else self.en
