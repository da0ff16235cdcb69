"""`chengtu class`: a city's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.ingest.infer_service import infer_class, save, summary
from app.ingest.sandbox import Limits
from app.settings import Settings

classes = typer.Typer(name="class", help="A city's own classes.", no_args_is_help=True)


@classes.callback()
def group() -> None:
    """A city's own classes."""


@classes.command()
def infer(
    path: Annotated[Path, typer.Argument(help="A file of any format that `chengtu import` reads.")],
    class_id: Annotated[
        str | None, typer.Option("--id", help="Name of the class; else made from the layer's name.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--to", help="Folder of your own declarations; else CHENGTU_LOCAL, else printed."),
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="The layer, where a file has several.")] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", help="The tag of the objects in OpenStreetMap data: amenity=bench.")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="Encoding of a text file.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was guessed as JSON.")] = False,
) -> None:
    """Write the declaration of a class from a file, to be edited: geometry, fields, types, choices, headings."""
    settings = Settings()
    found, text = infer_class(
        path,
        settings.geodata,
        settings.local_path,
        class_id=class_id,
        layer=layer,
        tag=tag,
        encoding=encoding,
        limits=Limits.of(settings),
    )
    target = folder or settings.local_path
    written = None if target is None else save(text, found.class_id, target)
    if as_json:
        console.print_json(summary(found, written))
    elif written is None:
        typer.echo(text, nl=False)
    else:
        console.success(f"{written} declares the class '{found.class_id}'. Edit it, then: chengtu db migrate")
