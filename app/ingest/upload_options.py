"""The options of an upload: named as those of `chengtu import`, in the query or in the fields of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.access.names import unknown_parameter
from app.errors import BadInput
from app.ingest.options import ImportOptions, Origin
from app.inventory.times import parse_date


class UploadOptions(BaseModel):
    """How an uploaded file is read and written."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    class_id: str | None = Field(
        None, alias="class", max_length=200, description="Class of the rows (`toilets`); else by the layer's name.",
    )  # fmt: skip
    layer: str | None = Field(None, max_length=300, description="One layer or sheet of several.")
    crs: str | None = Field(
        None,
        max_length=5000,
        description="CRS of the coordinates: EPSG:4548, gcj02, bd09, WKT, or the city's own by name.",
    )
    encoding: str | None = Field(
        None, max_length=50, description="Encoding of the text, e.g. GB18030; else found."
    )
    key: str | None = Field(None, max_length=300, description="Column that identifies a row.")
    code_system: str | None = Field(
        None, max_length=50, description="Edition of official component ids, e.g. gbt47678_2026."
    )
    valid_from: str | None = Field(
        None, max_length=50, description="Day from which on things are as the file tells, 2021-12-31."
    )
    source: str | None = Field(None, max_length=1000, description="Where the data comes from.")
    licence: str | None = Field(None, max_length=200, description="Its licence, e.g. CC-BY-4.0.")
    attribution: str | None = Field(
        None, max_length=1000, description="Words that maps and exports show for it."
    )
    where: str | None = Field(
        None, max_length=10_000, description="Take only rows for which this holds, e.g. DLBM = '0701'."
    )
    mapping: str | None = Field(
        None,
        max_length=20_000,
        description="A saved mapping as YAML; in a form a field or file of up to 500 kB.",
    )
    filename: str | None = Field(
        None, max_length=1000, description="Name of a file that is sent as the body itself."
    )
    upload: UUID | None = Field(
        None, description="The file that `POST /imports/inspect` kept, in place of one that is sent."
    )
    dry_run: bool = Field(False, description="Say what an import would do, and do nothing.")
    strict: bool = Field(
        False, description="Load nothing if a row is refused; else the good rows are loaded."
    )
    delete_missing: bool = Field(
        False, description="Stored features that the file no longer has are gone: look at a dry run first."
    )
    allow_outside: bool = Field(False, description="Take rows that lie outside the city's border.")
    on_conflict: Literal["refuse", "file", "stored"] = Field(
        "refuse", description="Rows of our own export that were changed here and in the file."
    )

    def import_options(self) -> ImportOptions:
        """The same for the importer; BadInput for a day that is none."""
        since = None if self.valid_from is None else parse_date("valid_from", self.valid_from)
        return ImportOptions(
            self.class_id, self.layer, self.crs, self.encoding, self.key, self.code_system, since,
            Origin(self.source, self.licence, self.attribution), self.where, dry_run=self.dry_run,
            strict=self.strict, delete_missing=self.delete_missing, allow_outside=self.allow_outside,
            on_conflict=self.on_conflict,
        )  # fmt: skip

    def as_request(self) -> dict[str, Any]:
        """The options that were given, as plain values for a job."""
        return self.model_dump(
            by_alias=True, exclude_defaults=True, exclude={"mapping", "filename", "upload"}, mode="json"
        )


def join_options(query: UploadOptions, fields: Mapping[str, str]) -> UploadOptions:
    """The options of the query and those of the form's fields; an empty field says nothing.

    Raises:
        BadInput: A field is no option, says what cannot be, or is in the query too.
    """
    known = {item.alias or name for name, item in UploadOptions.model_fields.items()}
    given = query.model_dump(by_alias=True, exclude_unset=True)
    for name in fields:
        if name not in known:
            raise unknown_parameter(name, known, kind="field")
        if name in given:
            raise BadInput(
                f"'{name}' is given in the query and in the form.", "Give it once, best in the form."
            )
    said = {name: value for name, value in fields.items() if value.strip()}
    try:
        return UploadOptions.model_validate(given | said)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name, given = ".".join(map(str, first["loc"])), str(first["input"])[:100]
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return BadInput(f"The field '{name}' {given!r} cannot be used: {reason}.", None)
