"""Secrets that stand in files: `<VARIABLE>_FILE` names one, as containers and services are given them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.errors import SetupFailed

#: What a setting bears that is a secret though its type does not say so.
SECRET = {"secret": True}
#: More than any password, token or address: such a file was named by mistake.
LARGEST = 65_536


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is never shown, and may stand in a file."""
    extra = field.json_schema_extra
    return "SecretStr" in str(field.annotation) or (isinstance(extra, dict) and extra.get("secret") is True)


def variable_of(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"CHENGTU_{name.upper()}"


def secret_settings(settings: type[BaseSettings]) -> dict[str, str]:
    """Name of each secret setting → its environment variable."""
    return {
        name: variable_of(name, field) for name, field in settings.model_fields.items() if is_secret(field)
    }


def told_secrets(settings: BaseSettings) -> Iterator[tuple[str, str]]:
    """The environment variable and the text of each secret that is set."""
    for name, variable in secret_settings(type(settings)).items():
        value = getattr(settings, name)
        if value is not None:
            yield variable, value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that reads the files named by `<VARIABLE>_FILE`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of the file of one setting, None where none is named."""
        variable = variable_of(field_name, field)
        # Named as the environment names it: a setting with a variable of its own is known by that alone.
        key = variable if isinstance(field.validation_alias, str) else field_name
        return (read_secret(variable) if is_secret(field) else None), key, False

    def __call__(self) -> dict[str, Any]:
        """All secrets that stand in files."""
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {key: value for value, key, _ in found if value is not None}


def read_secret(variable: str) -> str | None:
    """The text of the file that `<VARIABLE>_FILE` names, without the end of its last line; None where none is named.

    Raises:
        SetupFailed: The secret is given twice, or the file cannot be read or holds nothing.
    """
    named = os.environ.get(f"{variable}_FILE")
    if not named:
        return None
    if os.environ.get(variable):
        raise SetupFailed(
            f"Both {variable} and {variable}_FILE are set.",
            f"Unset {variable}: the file keeps the secret out of it.",
        )
    try:
        with Path(named).expanduser().open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1).rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SetupFailed(
            f"The file that {variable}_FILE names cannot be read: {why}.",
            "Let it be there and readable for the user who runs the program, and nobody else.",
        ) from error
    if not text.strip() or len(text) > LARGEST:
        raise SetupFailed(
            f"The file that {variable}_FILE names holds {'too much' if text.strip() else 'nothing'}.",
            "Write the secret alone into it, in one line.",
        )
    return text
