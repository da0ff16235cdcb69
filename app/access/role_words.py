"""Roles, clearances and kinds of parties in words, for pages."""

from __future__ import annotations

from collections.abc import Mapping

from app.access.principal import PartyKind, Role
from app.database.scope import Level

#: Role → Chinese and English name, and what it may do.
ROLE_WORDS: Mapping[Role, tuple[str, str, str, str]] = {
    "viewer": ("查看员", "Viewer", "查看、下载", "reads and downloads"),
    "field": (
        "巡查员",
        "Field worker",
        "手机查看、现场上报",
        "reads on the phone and reports from the street",
    ),
    "editor": ("编辑员", "Editor", "查看、编辑、导入", "reads, edits and imports"),
    "planner": (
        "规划员",
        "Planner",
        "查看、计算覆盖、保存口径和结果",
        "reads, computes coverage, saves policies and runs",
    ),
    "assessor": ("测评员", "Assessor", "查看、打分，不能编辑", "reads and scores, never edits"),
    "auditor": ("审计员", "Auditor", "只查看审计记录", "reads the audit log and nothing else"),
    "system": (
        "系统管理员",
        "System administrator",
        "任务、检查、缓存；看不到要素数据",
        "jobs, checks, caches; sees no features",
    ),
    "security": (
        "安全管理员",
        "Security administrator",
        "人员、单位、授权、密钥；看不到要素数据",
        "people, parties, grants, keys; sees no features",
    ),
}
LEVEL_WORDS: Mapping[Level, tuple[str, str]] = {
    "public": ("公开", "public"),
    "internal": ("内部", "internal"),
    "restricted": ("受限", "restricted"),
}
PARTY_WORDS: Mapping[PartyKind, tuple[str, str]] = {
    "office": ("机关", "office"),
    "squad": ("大队、班组", "squad"),
    "contractor": ("承包单位（仅自有设施）", "contractor (own assets only)"),
    "assessor": ("第三方测评", "third-party assessor"),
}
