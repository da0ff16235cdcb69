"""Events of the audit record in words, for pages; and an entry's detail as one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Event → Chinese and English.
EVENT_WORDS: Mapping[str, tuple[str, str]] = {
    "changed": ("修改数据", "data changed"),
    "import.running": ("开始导入", "import begun"),
    "import.done": ("导入完成", "import done"),
    "import.failed": ("导入失败", "import failed"),
    "import.interrupted": ("导入中断", "import interrupted"),
    "exported": ("导出、下载", "exported"),
    "read.restricted": ("查看受限数据", "restricted data read"),
    "run.made": ("保存计算结果", "run saved"),
    "policy.made": ("保存指标口径", "policy saved"),
    "person.made": ("新增人员", "person made known"),
    "person.changed": ("修改人员", "person changed"),
    "person.removed": ("删除人员", "person removed"),
    "party.made": ("新增单位", "party made"),
    "party.changed": ("修改单位", "party changed"),
    "party.removed": ("删除单位", "party removed"),
    "key.made": ("新增密钥", "key made"),
    "key.changed": ("修改、作废密钥", "key changed or revoked"),
    "key.removed": ("删除密钥", "key removed"),
    "key.used": ("当天首次使用密钥", "key used, first of the day"),
    "grant.made": ("授权", "role granted"),
    "grant.changed": ("修改授权", "grant changed"),
    "grant.removed": ("收回授权", "role revoked"),
    "login": ("登录", "login"),
    "login.failed": ("登录失败", "login failed"),
    "login.locked": ("登录被暂时锁定", "login locked for a while"),
    "logout": ("会话结束", "session ended"),
    "job.cancelled": ("取消任务", "job cancelled"),
    "assessed": ("测评打分", "feature assessed"),
    "audit.pruned": ("清理审计记录", "audit record pruned"),
    "backup.made": ("备份数据库", "database backed up"),
    "backup.restored": ("由备份恢复数据库", "database restored from a backup"),
}
#: How somebody came → Chinese and English.
KIND_WORDS: Mapping[str, tuple[str, str]] = {
    "user": ("人员", "person"),
    "key": ("密钥", "key"),
    "open": ("未设人员", "nobody named yet"),
    "nobody": ("未登录", "not logged in"),
    "command": ("本机命令", "command"),
    "job": ("后台任务", "job"),
    "service": ("系统", "service"),
}


def in_words(words: Mapping[str, tuple[str, str]], name: str, lang: str) -> str:
    """A name in words, itself where it has none."""
    return words.get(name, (name, name))[0 if lang == "zh" else 1]


def one_line(detail: Mapping[str, Any]) -> str:
    """What else is known of an event: `name: value` by semicolon."""
    return "; ".join(f"{name}: {_plain(value)}" for name, value in detail.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
