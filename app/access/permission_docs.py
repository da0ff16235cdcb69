"""Who may do what, as its page tells it: `python -m app.access.permission_docs` writes the table, in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from app.access.permissions import HOLDERS, Permission
from app.access.principal import ROLES
from app.access.role_words import ROLE_WORDS
from app.catalogue.model import Lang

FOLDER = Path(__file__).resolve().parents[2] / "docs"
PAGES: Mapping[Lang, str] = {"en": "who-may-do-what.md", "zh": "who-may-do-what.zh.md"}
_BEGIN, _END = "<!-- made by app.access.permission_docs -->", "<!-- end -->"
#: Permission → what it lets one do, in Chinese and English; those that need no role are not listed.
WORDS: Mapping[Permission, tuple[str, str]] = {
    "read": ("查看要素、地图、历史、搜索、统计和覆盖结果", "see features, maps, history, figures and coverage runs"),
    "street": ("打开手机页", "open the phone page"),
    "report": ("现场上报状态和照片", "report a feature's state from the street, with a photo"),
    "export": ("下载整类数据", "download whole classes"),
    "edit": ("新建、修改、删除、恢复要素", "create, change, delete and restore features"),
    "import": ("导入文件、撤销导入", "import files and take imports back"),
    "plan": ("计算覆盖、情景，保存口径", "compute coverage and scenarios, save policies"),
    "assess": ("给要素打分", "score features"),
    "jobs": ("查看、停止自己的任务（系统管理员：所有任务）", "see and stop one's own jobs (`system`: all)"),
    "audit": ("查看并校验审计记录", "read and verify the audit log"),
    "administer": ("检查、缓存", "checks and caches"),
    "people": ("人员、单位、授权、密钥", "people, parties, grants and keys"),
    "watch": ("读取运行指标（/metrics）", "read `/metrics`"),
}  # fmt: skip


def matrix(lang: Lang) -> str:
    """The table of what each role may do, as Markdown."""
    names = [ROLE_WORDS[role][0] if lang == "zh" else f"`{role}`" for role in ROLES]
    head = "可做的事" if lang == "zh" else "may"
    lines = [f"| {head} | {' | '.join(names)} |", f"| --- |{' --- |' * len(ROLES)}"]
    for permission, words in WORDS.items():
        marks = ["●" if role in HOLDERS[permission] else "" for role in ROLES]
        lines.append(f"| {words[0 if lang == 'zh' else 1]} | {' | '.join(marks)} |")
    return "\n".join(lines)


def with_matrix(page: str, lang: Lang) -> str:
    """A page with the table as it is now."""
    made = f"{_BEGIN}\n\n{matrix(lang)}\n\n{_END}"
    return re.sub(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", lambda _: made, page, flags=re.DOTALL)


if __name__ == "__main__":
    for lang, name in PAGES.items():
        file = FOLDER / name
        file.write_text(with_matrix(file.read_text(encoding="utf-8"), lang), encoding="utf-8")
