"""What the terminal shows: progress on stderr, results on stdout, failures as one sentence with a way out."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.prompt import Confirm
from rich.table import Table

from app import logs
from app.errors import ChengtuError, NoSpace
from app.secret_files import secret_settings
from app.settings import Settings

log = logging.getLogger("chengtu.console")
#: Results go to stdout, everything a person only watches goes to stderr.
#: Where nobody looks (a pipe, a log), tables get room enough not to be cut.
OUT = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 140)
ERR = Console(stderr=True, soft_wrap=True, highlight=False)

#: Called as `report(done, total, text)`; `total` None while it is not known.
ProgressReport = Callable[[float, float | None, str], None]

#: Text up to this many cells of the terminal stays on one line.
SHORT_CELLS = 20
#: What tables show where there is no value.
EMPTY = ("", "–")

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


@contextmanager
def progress(title: str) -> Iterator[ProgressReport]:
    """A progress bar on stderr under `title`; the yielded function moves it: `report(done, total, text)`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=ERR, transient=not ERR.is_terminal) as bars:
        task = bars.add_task(escape(title), total=None)

        def report(done: float, total: float | None = None, text: str = "") -> None:
            shown = f"{title}: {text}" if text else title
            bars.update(task, completed=int(done), total=total, description=escape(shown))

        yield report
        bars.update(task, description=escape(title))


def step(text: str) -> None:
    """One line on stderr that says what is being done now."""
    _say("[bold cyan]›[/]", text)


def success(text: str) -> None:
    """One line on stderr that says what was reached."""
    _say("[bold green]✓[/]", text)


def warning(text: str) -> None:
    """One line on stderr for something a person should look at."""
    _say("[bold yellow]![/]", text, logging.WARNING)


def found(text: str, *, well: bool = True) -> None:
    """One line on stdout: what a command that looks at something has found, and whether it is well."""
    OUT.print(f"{'[bold green]✓[/]' if well else '[bold yellow]![/]'} {escape(text)}")


def _say(mark: str, text: str, level: int = logging.INFO) -> None:
    """A line for a person; where lines are for machines (a server's), one of those."""
    if logs.for_machines():
        log.log(level, text)
    else:
        ERR.print(f"{mark} {escape(text)}")


def confirm(question: str) -> bool:
    """Ask on stderr; no where nobody can answer."""
    return sys.stdin.isatty() and Confirm.ask(escape(question), console=ERR, default=False)


def print_json(value: object) -> None:
    """`value` on stdout as exact JSON (UTF-8, no colours, no wrapping); NaN is refused, since JSON has none."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _plain(value: object) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout; numbers are right-aligned, text of the data is never read as markup.

    Columns that are empty in every row are left out. Where the table is wider than the terminal, only long text folds:
    numbers and short words stay whole.
    """
    given = [[("" if cell is None else cell) for cell in row] for row in rows]
    kept = [i for i in range(len(headings)) if not given or any(row[i] not in EMPTY for row in given)]
    body = [[row[i] for i in kept] for row in given]
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for place, heading in enumerate(headings[i] for i in kept):
        numeric = any(_is_number(row[place]) for row in body)
        width = max((cell_len(str(row[place])) for row in body), default=0)
        folds = not numeric and width > SHORT_CELLS
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=not folds, overflow="fold")
    for row in body:
        table.add_row(*(escape(str(cell)) for cell in row))
    OUT.print(table)


def _is_number(cell: object) -> bool:
    """A number, or text that is one with thousands separators."""
    return isinstance(cell, int | float) or str(cell).replace(",", "").replace(".", "").isdigit()


def fail(message: str, hint: str | None = None) -> None:
    """One sentence on stderr and, where there is one, the way out."""
    if logs.for_machines():
        log.error(message, extra={logs.TOLD: {"hint": hint}})
        return
    ERR.print(f"[bold red]Error:[/] {escape(message)}")
    if hint:
        ERR.print(f"[bold]Hint:[/] {escape(hint)}")


def run(main: Callable[[], object]) -> NoReturn:
    """Run a command line to its end: failures become a sentence and an exit code, never a traceback.

    `CHENGTU_DEBUG=1` shows tracebacks instead. Exits 0 on success, 1 where a check did not hold (the command says
    so itself), 2 on any failure, 130 when interrupted.
    """
    try:
        main()
    except KeyboardInterrupt:
        step("Stopped.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (`head`, `less`) left: nothing more to say; stdout must not complain at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        sys.exit(_report(error))
    sys.exit(0)


def _report(error: Exception) -> int:
    """Tell `error` on stderr and give the exit code."""
    if os.environ.get("CHENGTU_DEBUG") and not logs.for_machines():
        traceback.print_exception(error)
    known = as_chengtu_error(error)
    if known is not None:
        fail(known.message, known.hint)
        return known.exit_code
    fail(
        f"Something failed that should not have: {type(error).__name__}.",
        f"The details are in {_write_log(error)}; CHENGTU_DEBUG=1 shows them here.",
    )
    return EXIT_ERROR


def as_chengtu_error(error: Exception) -> ChengtuError | None:
    """The user's view of an exception: a ChengtuError as it is, a full disk, bad settings; None where unexpected."""
    if isinstance(error, ChengtuError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return NoSpace(
            "The disk is full.", "Free some space and run the command again; nothing was half-written."
        )
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return _bad_setting(error)
    return None


def _bad_setting(error: ValidationError) -> ChengtuError:
    first = error.errors(include_url=False)[0]
    why = first["msg"].removeprefix("Value error, ").rstrip(".")
    name = str(first["loc"][0]) if first["loc"] else ""
    variable = name if name.isupper() else f"CHENGTU_{name.upper()}"
    # Where several do not fit together, the value would be all of them: secrets are among these.
    shown = f"={first['input']!r}" if variable not in secret_settings(Settings).values() else ""
    told = ChengtuError(
        f"The setting {variable}{shown} cannot be used: {why}."
        if name
        else f"The settings cannot be used: {why}.",
        f"Correct or unset {variable if name else 'what it names'}; docs/reference.md lists every setting.",
    )
    told.code = "bad-setting"
    return told


def _shown_words() -> list[str]:
    """The words of the command; a definition of a coordinate system may hold secret parameters, and stays out."""
    return ["(definition)" if "+proj" in word or "[" in word else word for word in sys.argv[1:]]


def _write_log(error: Exception) -> Path:
    """Write the traceback to a private file of its own, and say where."""
    stamp = datetime.now().astimezone().isoformat(timespec="seconds")
    handle, name = tempfile.mkstemp(prefix="chengtu-error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{stamp} chengtu {' '.join(_shown_words())}\n")
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
