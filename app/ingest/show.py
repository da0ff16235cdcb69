"""The report of an import on the terminal: what was understood, what was loaded, and every doubt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app import console
from app.ingest.report import class_rows, reject_rows, warning_rows

SHOWN = 20
DETAILS = ("class", "row", "field", "value", "reason", "hint")


def show_report(item: Mapping[str, Any], *, whole_in: Path | None) -> None:
    """Print the report of one file; `whole_in` is the file that holds all of it."""
    name = Path(item["path"]).name
    if "error" in item:
        said = item["error"] if name in item["error"] else f"{name}: {item['error']}"
        console.warning(f"{said} {item['hint'] or ''}")
        return
    for layer in item["layers"]:
        _show_layer(layer)
    title = f"{name} ({'dry run, nothing written; ' if item['dry_run'] else ''}{item['crs']}, {item['seconds']} s)"
    headings = ("class", "read", "loaded", "unchanged", "rejected", "skipped")
    console.print_table(title, headings, class_rows(item))
    _show_difference(item)
    show_missing(item)
    _show_conflicts(item)
    _show_rejects(item, whole_in)
    _show_warnings(item)
    for layer in item["skipped"]:
        reason = layer["reason"].rstrip(".")
        console.warning(f"Layer '{layer['layer']}' was left out ({_rows(layer['rows'])}): {reason}.")
    if item["repaired"]:
        console.warning(f"{len(item['repaired'])} invalid shapes were repaired; the report lists them.")
    kept = sum(cut["kept"] for cut in item["incomplete"])
    if kept:
        console.warning(
            f"{kept} lines run out of the file; their pieces inside it were kept and marked incomplete."
        )
    _show_origin(item)


def _show_origin(item: Mapping[str, Any]) -> None:
    said = [item[name] for name in ("source", "attribution", "licence") if item[name]]
    if said:
        console.step(", ".join(dict.fromkeys(said)))
    elif not item["dry_run"] and not all(layer["own_export"] for layer in item["layers"]):
        console.step(
            "Whose data is it? Nothing says so; --source, --licence and --attribution are kept with it."
        )


def _show_layer(layer: Mapping[str, Any]) -> None:
    """How a layer was understood: CRS and encoding with the evidence, columns and what was not matched."""
    how = f"{layer['crs']}, {layer['how']}"
    console.step(
        f"Layer '{layer['layer']}' → {layer['class']}, {_rows(layer['rows'])}; {how}; key: {layer['key']}."
    )
    for text in (*layer["evidence"], *layer["notes"]):
        console.step(f"  {text}")
    matched = _matched(layer)
    if matched:
        console.step(f"  Columns: {matched}")
    for change in layer["conversions"]:
        console.step(f"  {change['heading']}: {change['from']} → {change['to']} (× {change['factor']:g})")
    if layer["extra"]:
        console.step(f"  Kept beside the fields (extra): {', '.join(layer['extra'])}")
    for found in layer["suggestions"]:
        console.warning(
            f"'{found['heading']}' may be {found['field']} ({found['title']}); say so in a mapping if it is."
        )
    for text in layer["warnings"]:
        console.warning(text)


def _matched(layer: Mapping[str, Any]) -> str:
    """Headings and their fields; of our own exports, whose headings are the fields, only how many they are."""
    headings: Mapping[str, str] = layer["headings"]
    if layer["own_export"]:
        return f"{len(headings)}, as this program exported them"
    return ", ".join(f"{heading} → {name}" for heading, name in headings.items())


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _show_difference(item: Mapping[str, Any]) -> None:
    for class_id, found in item.get("difference", {}).items():
        rows = [("new", one["code"], one.get("name") or "", "", "") for one in found["examples"]["new"]]
        for one in found["examples"]["changed"]:
            rows += [
                ("changed", one["code"], _title(change), _short(change["before"]), _short(change["after"]))
                for change in one["fields"]
            ]
        rows += [
            ("deleted", one["code"], one.get("name") or "", "", "") for one in found["examples"]["deleted"]
        ]
        if rows:
            title = f"{class_id}: {found['new']} new, {found['changed']} changed, {found['deleted']} deleted (examples)"
            console.print_table(title, ("", "code", "what", "stored", "file"), rows)


def _title(change: Mapping[str, Any]) -> str:
    """The field in both languages, as sheets head it."""
    return " ".join(dict.fromkeys(change["title"].values()))


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def show_missing(item: Mapping[str, Any]) -> None:
    """Print what is stored and no longer in the file."""
    for class_id, found in item["missing"].items():
        if found["rows"]:
            gone = found["deleted"] and not item["dry_run"]
            done = "deleted" if gone else "not in the file"
            title = f"{class_id}: stored features {done}: {found['rows']:,} (examples)"
            rows = [(one["code"], one.get("name") or "") for one in found["examples"]]
            console.print_table(title, ("code", "name"), rows)
        if found["changed_here"]:
            console.warning(
                f"{found['changed_here']} {class_id} are not in the file but were changed here since its export; "
                "they stay."
            )


def _show_conflicts(item: Mapping[str, Any]) -> None:
    rows = [
        (
            one["class"],
            one["row"],
            one["code"],
            change["field"],
            *(_short(change[k]) for k in ("base", "file", "stored")),
        )
        for one in item["conflicts"][:SHOWN]
        for change in one["fields"]
    ]
    if rows:
        title = f"Changed here and in the file ({len(item['conflicts'])} rows)"
        console.print_table(title, ("class", "row", "code", "field", "exported", "file", "stored"), rows)


def _show_warnings(item: Mapping[str, Any]) -> None:
    total = len(item["warnings"])
    if total:
        title = f"Loaded, but look at them ({min(total, SHOWN)} of {total})"
        console.print_table(title, DETAILS, warning_rows(item, SHOWN))


def _show_rejects(item: Mapping[str, Any], whole_in: Path | None) -> None:
    total = len(item["rejects"])
    if not total:
        return
    console.print_table(f"Rejected ({min(total, SHOWN)} of {total})", DETAILS, reject_rows(item, SHOWN))
    if item.get("rejects_file"):
        console.step(f"The refused rows are in {item['rejects_file']}: mend and import them.")
    if total > SHOWN and whole_in is None:
        console.step("--report R.json writes all of the report to a file.")
