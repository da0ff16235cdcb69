"""Log lines of every process: JSON for machines, plain lines for a terminal; one a record, without secrets.

Whatever logs by the standard library (ours, uvicorn, warnings, what ends a thread) passes through the same form. A line
bears the time, the level, the process, the part that speaks and the id of the request it was done for.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from app.settings import Settings
from app.traces import REQUEST_ID, process_name

log = logging.getLogger("chengtu.process")

Form = Literal["json", "text"]
#: In a record: values beside the sentence, as `log.info("…", extra={TOLD: {…}})`.
TOLD = "told"
#: Of a traceback and of a sentence so many characters are kept, the last and the first ones.
MOST_TRACE, MOST_SENTENCE = 12_000, 4_000
HIDDEN = "***"
#: Names whose values are hidden, before `=` anywhere and before `:` where no sentence would write them so.
_SECRETS = (
    r"(?:[a-z_\-]*(?:password|passwd|secret|token|authorization|cookie|session|csrf|api[_-]?key)|pwd|tk|nonce|code_verifier"
    r"|__host-chengtu|chengtu)"
)
_PATTERNS = (
    # Credentials in an address.
    (re.compile(r"([a-z][a-z0-9+.\-]*://[^\s:/@'\"]*:)[^\s@]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # Our own keys and sessions, and tokens of a provider, wherever they stand.
    (re.compile(r"\bc[ks]_[A-Za-z0-9_\-]{8,}"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.?[A-Za-z0-9_\-]*"), HIDDEN),
    (
        re.compile(rf"\b({_SECRETS}['\"]?\s*(?:=|:)\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&)}}\]]+)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b((?:key|code|state)=)[^\s,;&'\")}\]]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
#: Lines of the libraries that would tell the same twice.
_QUIET = ("uvicorn.access",)


def install(settings: Settings) -> None:
    """Let this process and those that are forked from it log by one form, to stderr."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _Lines):
            root.removeHandler(handler)
    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonLines() if form_of(settings) == "json" else TextLines())
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).disabled = True
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_failed


def form_of(settings: Settings) -> Form:
    """The form that was asked for; else plain lines on a terminal and JSON everywhere else."""
    return settings.log_format or ("text" if sys.stderr.isatty() else "json")


def for_machines() -> bool:
    """Whether this process logs as JSON: then nothing else goes to stderr."""
    return any(
        isinstance(handler, _Lines) and isinstance(handler.formatter, JsonLines)
        for handler in logging.getLogger().handlers
    )


class _Lines(logging.StreamHandler[Any]):
    """Ours, to be told from those of tests and tools."""


class JsonLines(logging.Formatter):
    """A record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, Any] = {
            "time": _time(record, "T") + "Z",
            "level": record.levelname.lower(),
            "process": process_name(),
            "logger": record.name,
            "message": one_line(hide(_sentence(record))),
        }
        if found := REQUEST_ID.get():
            line["request"] = found
        for name, value in _told(record).items():
            line.setdefault(name, one_line(value) if isinstance(value, str) else value)
        if trace := _trace(record):
            line["traceback"] = trace
        return _ENCODE(line)


class TextLines(logging.Formatter):
    """A record as one line to be read; what it failed with stands below, each line behind a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        told = "".join(
            f" {name}={one_line(str(value))}" for name, value in _told(record).items() if value is not None
        )
        found = REQUEST_ID.get()
        line = (
            f"{_time(record, ' ')} {record.levelname:<7} {process_name()} "
            f"{one_line(hide(_sentence(record)))}{told}{f' [{found}]' if found else ''}"
        )
        trace = _trace(record)
        below = [f"    | {one_line(part)}" for part in trace.split("\n")] if trace else []
        return "\n".join([line, *below])


def hide(text: str) -> str:
    """A text without secrets: values of what is named as one, and whatever has the form of one."""
    if text.isalpha():  # one word, as every request's line: it names nothing
        return text
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """A text without what would end its line or steer a terminal: such characters as Python writes them."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _sentence(record: logging.LogRecord) -> str:
    said = record.getMessage()
    return said if len(said) <= MOST_SENTENCE else said[:MOST_SENTENCE] + "…"


def _told(record: logging.LogRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(record, TOLD, {})
    return found


def _trace(record: logging.LogRecord) -> str:
    """What failed, without secrets; of a long one its end, where it says what."""
    if record.exc_info and record.exc_info[1] is not None:
        said = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    else:
        said = record.exc_text or ""
    if record.stack_info:
        said = f"{said}\n{record.stack_info}".strip()
    return hide(said[-MOST_TRACE:])


def _time(record: logging.LogRecord, between: str) -> str:
    return f"{_second(int(record.created), between)}.{int(record.msecs):03d}"


@lru_cache(maxsize=4)
def _second(second: int, between: str) -> str:
    return time.strftime(f"%Y-%m-%d{between}%H:%M:%S", time.gmtime(second))


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is None or isinstance(failed.exc_value, SystemExit):
        return
    log.error(
        "A thread ended by a failure: %s",
        "" if failed.thread is None else failed.thread.name,
        exc_info=failed.exc_value,
    )
