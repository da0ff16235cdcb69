"""Every limit in one place: its name, its value, what one sees who asks for more. Docs and `/metrics` read it.

`python -m app.limits` writes the tables of `docs/limits.md` and `docs/limits.zh.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.access import heavy, passwords, patient
from app.access.dependencies import ASKERS, ASKERS_LINE, READERS, READERS_LINE
from app.access.rates import REFUSED_SHARE
from app.catalogue.model import Lang
from app.coverage import scenario
from app.coverage.engine_client import ANSWER_S
from app.database import pulse
from app.database.transactions import LOCK_S, POOL_EXTRA, POOL_KEPT, POOL_WAIT_S, STREAM_S, STREAMS
from app.ingest import archive
from app.inventory.query import MAX_LIMIT
from app.jobs.service import MOST_QUEUED
from app.ogc import edit_routes, edit_shapes
from app.ogc.cql2 import gate
from app.problems import MAX_BODY_BYTES
from app.refused import LIMIT_NAMES, LimitName
from app.settings import Settings
from app.tiles import tile_service
from app.validation import clean

Section = Literal["requests", "database", "shapes", "connections", "files"]
Unit = Literal["", "s", "bytes", "MB", "MiB", "a minute"]
PAGES: Mapping[Lang, str] = {"en": "limits.md", "zh": "limits.zh.md"}
FOLDER = Path(__file__).resolve().parents[1] / "docs"
_HEADS: Mapping[Lang, tuple[str, ...]] = {
    "en": ("limit", "value", "who asks for more sees", "`chengtu_limit`", "`chengtu_refused_total`"),
    "zh": ("限制", "数值", "超过时", "`chengtu_limit`", "`chengtu_refused_total`"),
}
#: Limits that refuse under the name of another one; those that are neither here nor in LIMIT_NAMES are not counted.
COUNTED_AS: Mapping[str, LimitName] = {
    "download_time": "request_time", "stream_time": "request_time", "readers_line": "readers", "engine_line": "engine",
    "downloads_line": "downloads", "upload": "body", "connection_wait": "connections",
    "stream_connections": "connections", "silence": "database",
}  # fmt: skip
_UNITS: Mapping[Lang, Mapping[Unit, str]] = {
    "en": {"": "", "s": " s", "bytes": " bytes", "MB": " MB", "MiB": " MiB", "a minute": " a minute"},
    "zh": {"": "", "s": " 秒", "bytes": " 字节", "MB": " MB", "MiB": " MiB", "a minute": " 次/分钟"},
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `value` is a number, or what reads it from the settings; `setting` the variable that sets it."""

    name: str
    section: Section
    value: float | Callable[[Settings], float]
    unit: Unit
    what: tuple[str, str]
    more: tuple[str, str]
    setting: str | None = None

    @property
    def counted_as(self) -> LimitName | None:
        """The label under which `chengtu_refused_total` counts who was refused by it; None where nothing does."""
        own: LimitName | None = next((name for name in LIMIT_NAMES if name == self.name), None)
        return COUNTED_AS.get(self.name, own)

    def of(self, settings: Settings) -> float:
        """Its value under these settings."""
        return self.value(settings) if callable(self.value) else self.value


_WAIT = ("503，附 `Retry-After`", "503 with `Retry-After`")
_ENDS = ("连接关闭", "the connection ends")
_REFUSED = ("400", "400")

LIMITS: tuple[Limit, ...] = (
    Limit("requests", "requests", lambda s: s.requests_per_minute, "a minute",
          ("一人、一把密钥（两者皆无时一个地址）的请求；瓦片计十分之一，静态文件不计；0 为不限",
           "requests of a person, a key, else an address; a tile counts as a tenth, static files for nothing; 0: none"),
          ("429，附 `Retry-After`", "429 with `Retry-After`"), "CHENGTU_REQUESTS_PER_MINUTE"),
    Limit("guesses", "requests", lambda s: s.requests_per_minute * REFUSED_SHARE, "a minute",
          ("同一地址同一密钥或令牌被拒；该地址未知密钥合计（一小时内通过的密钥除外）；为总额的十分之一",
           ("refusals of one key or token from one address; of unknown ones from it together, but for keys let in "
            "within the hour; a tenth of all")),
          ("429，不再查看该密钥", "429, before the key is looked at"), "CHENGTU_REQUESTS_PER_MINUTE"),
    Limit("request_time", "requests", lambda s: s.request_seconds, "s",
          ("数据库为一个请求工作的时间", "work of the database for one request"),
          ("503，语句已停止", "503; the statement has ended"), "CHENGTU_REQUEST_SECONDS"),
    Limit("download_time", "requests", heavy.HEAVY_S, "s",
          ("下载、恢复、撤回的同一时间", "the same for a download, a restore, an undo"),
          ("503，或连接中断", "503, or the connection ends")),
    Limit("stream_time", "requests", STREAM_S, "s",
          ("一次流式读取", "one stream"), ("连接中断", "the connection ends")),
    Limit("readers", "requests", READERS, "",
          ("每个工作进程同时的读取", "reading at once in a worker process"),
          ("排队", "one waits in a line")),
    Limit("readers_line", "requests", READERS_LINE, "",
          ("排队等待读取的请求，最多 5 秒", "requests that wait for that, for up to 5 s"), _WAIT),
    Limit("engine", "requests", ASKERS, "",
          ("每个工作进程同时询问分析引擎的请求（`/reach`、服务范围、情景、合并的空白）；计算覆盖是任务，不在此列",
           ("asking the engine at once in a worker process (`/reach`, service areas, scenarios, merged gaps; coverage "
            "is computed by jobs)")),
          ("排队；页面不受影响", "one waits in a line; pages go on")),
    Limit("engine_line", "requests", ASKERS_LINE, "",
          ("排队等待引擎的请求，最多 20 秒", "requests that wait for that, for up to 20 s"),
          _WAIT),
    Limit("engine_time", "requests", ANSWER_S, "s",
          ("等待引擎回答一个请求", "waiting for the engine's answer to one request"), _WAIT),
    Limit("edits", "requests", edit_routes.AT_ONCE, "",
          ("每个工作进程同时的编辑；其余最多等 10 秒",
           "edits at once in a worker process; others wait for up to 10 s"), _WAIT),
    Limit("builds", "requests", tile_service.BUILDS, "",
          ("每个工作进程同时生成的瓦片；其余最多等 20 秒",
           "tiles built at once in a worker process; others wait for up to 20 s"), _WAIT),
    Limit("downloads", "requests", STREAMS, "",
          ("每个工作进程同时的下载", "downloads at once in a worker process"), ("排队", "one waits in a line")),
    Limit("downloads_line", "requests", heavy.LINE, "",
          ("排队等待下载的请求，最多 1 秒", "requests that wait for that, for up to 1 s"), _WAIT),
    Limit("own_downloads", "requests", heavy.OWN, "",
          ("其中一人、一把密钥或一个地址", "of them one person's, key's or address's"),
          ("429，附 `Retry-After`", "429 with `Retry-After`")),
    Limit("logins", "requests", passwords.AT_ONCE, "",
          ("每个工作进程同时核对的密码；其余最多等 10 秒",
           "passwords checked at once in a worker process; others wait for up to 10 s"),
          _WAIT),
    Limit("own_jobs", "requests", lambda s: s.jobs_per_person, "",
          ("一人或一把密钥等待或运行中的任务", "jobs that one person or key has waiting or running"),
          ("429，附 `Retry-After`", "429 with `Retry-After`"), "CHENGTU_JOBS_PER_PERSON"),
    Limit("queued_jobs", "requests", MOST_QUEUED, "",
          ("全部等待中的任务", "jobs waiting in all"), _WAIT),
    Limit("body", "requests", MAX_BODY_BYTES, "bytes",
          ("请求内容", "a body"),
          ("413，已声明长度时不等内容到来", "413, before it has come where its length is told")),
    Limit("upload", "requests", lambda s: s.upload_limit_mb, "MB",
          ("送来导入的文件", "a file sent for import"), ("413", "413"), "CHENGTU_UPLOAD_LIMIT_MB"),
    Limit("page", "requests", MAX_LIMIT, "",
          ("一页要素；由 `next` 继续", "features of a page; `next` leads on"), ("页变短", "a shorter page")),
    Limit("connections", "database", POOL_KEPT + POOL_EXTRA, "",
          ("一个进程的数据库连接", "connections of a process to the database"),
          ("等待", "one waits")),
    Limit("connection_wait", "database", POOL_WAIT_S, "s",
          ("等待连接", "waiting for one"), _WAIT),
    Limit("stream_connections", "database", STREAMS, "",
          ("其外用于下载的连接", "beside them for downloads"), _WAIT),
    Limit("lock_time", "database", LOCK_S, "s",
          ("等待他人写入同一数据", "waiting for somebody who writes the same data"), _WAIT),
    Limit("silence", "database", pulse.PATIENCE_S + pulse.ANSWER_S, "s",
          ("数据库毫无应答", "a database that says nothing at all"), _WAIT),
    Limit("filter_bytes", "shapes", gate.MAX_BYTES, "bytes", ("过滤条件", "a filter"), _REFUSED),
    Limit("filter_depth", "shapes", gate.MAX_DEPTH, "", ("其层数", "its levels"), _REFUSED),
    Limit("filter_parts", "shapes", gate.MAX_NODES, "", ("其项数", "its parts"), _REFUSED),
    Limit("filter_vertices", "shapes", gate.MAX_VERTICES, "", ("其顶点数", "its vertices"), _REFUSED),
    Limit("scenario_patches", "shapes", scenario.MAX_PATCHES, "",
          ("方案中的改动", "patches of a scenario"), _REFUSED),
    Limit("scenario_vertices", "shapes", scenario.MAX_VERTICES, "",
          ("方案中一个图形的顶点", "vertices of a shape of a scenario"), _REFUSED),
    Limit("edit_vertices", "shapes", edit_shapes.MAX_VERTICES, "",
          ("绘制或编辑的图形的顶点", "vertices of a shape that is drawn or edited"),
          ("400；请作为文件导入", "400; load it as a file")),
    Limit("file_vertices", "shapes", clean.MAX_VERTICES, "",
          ("文件中一个图形的顶点", "vertices of a shape in a file"),
          ("该行被拒，说明原因", "the row is refused with its reason")),
    Limit("part_vertices", "shapes", clean.MANY_VERTICES, "",
          ("一个部分的顶点", "vertices of one part"),
          ("整体保存，并在报告中列出：切开则无效，抽稀则不再是测量所得",
           "stored whole and named in the report: cut up it would be invalid, thinned out not what was surveyed")),
    Limit("header_time", "connections", patient.HEADERS_S, "s",
          ("首行与请求头到齐", "until first line and headers have come"), ("408，连接关闭",
           "408, the connection ends")),
    Limit("header_bytes", "connections", patient.MAX_HEADER_BYTES, "bytes",
          ("首行与请求头", "first line and headers"), ("431，连接关闭", "431, the connection ends")),
    Limit("body_pace", "connections", patient.BODY_S, "s",
          ("请求内容中每 1,000 字节", "for each 1,000 bytes of a body"), _ENDS),
    Limit("reply_pace", "connections", patient.STALL_S, "s",
          ("至少取走一些回复", "until something of a reply is taken up"), _ENDS),
    Limit("idle_time", "connections", patient.KEEP_ALIVE_S, "s",
          ("两个请求之间", "between requests"), _ENDS),
    Limit("clients", "connections", patient.MAX_CONNECTIONS, "",
          ("一个工作进程的连接", "connections of a worker process"), ("立即关闭", "closed at once")),
    Limit("own_clients", "connections", patient.MAX_PER_ADDRESS, "",
          ("其中一个地址的连接（本机与受信任的代理不单独限制）",
           "of them one address's (the machine itself and trusted proxies: no limit of their own)"),
          ("立即关闭", "closed at once")),
    Limit("import_memory", "files", lambda s: s.import_memory_mb, "MiB",
          ("读取一个文件的内存", "memory to read a file"), ("导入失败",
           "the import fails"), "CHENGTU_IMPORT_MEMORY_MB"),
    Limit("import_time", "files", lambda s: s.import_seconds, "s",
          ("读取一个文件的处理器时间", "processor time to read a file"), ("导入失败", "the import fails"),
          "CHENGTU_IMPORT_SECONDS"),
    Limit("import_disk", "files", lambda s: s.import_disk_mb, "MiB",
          ("解开后的磁盘", "disk of a file, unpacked"), ("导入失败", "the import fails"), "CHENGTU_IMPORT_DISK_MB"),
    Limit("archive_bytes", "files", archive.MAX_UNPACKED, "bytes",
          ("压缩包解开后", "an archive, unpacked"), _REFUSED),
    Limit("archive_ratio", "files", archive.MAX_RATIO, "",
          ("解开后为压缩前的倍数", "times its size"), _REFUSED),
    Limit("archive_members", "files", archive.MAX_MEMBERS, "",
          ("其中的文件", "files in it"), _REFUSED),
)  # fmt: skip


def limit_values(settings: Settings) -> dict[str, float]:
    """Every limit's value under these settings, by name."""
    return {limit.name: float(limit.of(settings)) for limit in LIMITS}


def table(section: Section, lang: Lang) -> str:
    """The limits of a section as Markdown, with the values that they have by default."""
    heads, word = _HEADS[lang], 0 if lang == "zh" else 1
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [
        f"| {limit.what[word]} | {_shown(limit, lang)} | {limit.more[word]} | `{limit.name}` "
        f"| {f'`{limit.counted_as}`' if limit.counted_as else ''} |"
        for limit in LIMITS
        if limit.section == section
    ]
    return "\n".join(lines)


def with_tables(page: str, lang: Lang) -> str:
    """A page with all its tables as they are now."""
    return re.sub(
        r"<!-- limits: (\w+) -->.*?<!-- end -->",
        lambda found: f"<!-- limits: {found[1]} -->\n\n{table(found[1], lang)}\n\n<!-- end -->",  # type: ignore[arg-type]
        page,
        flags=re.DOTALL,
    )


def _shown(limit: Limit, lang: Lang) -> str:
    value = limit.of(Settings.model_construct())
    number = f"{value:,.10g}" + _UNITS[lang][limit.unit]
    return number if limit.setting is None else f"`{limit.setting}` {number}"


if __name__ == "__main__":
    for lang, name in PAGES.items():
        file = FOLDER / name
        file.write_text(with_tables(file.read_text(encoding="utf-8"), lang), encoding="utf-8")
