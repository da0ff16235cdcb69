"""Invented names: pairs of words from old tales, in Chinese with their English spelling; no place in them is real."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FIRST = (
    "玄Xuan 青Qing 鹤He 琥Hu 墨Mo 星Xing 云Yun 雾Wu 霁Ji 岚Lan "
    "萤Ying 鲸Jing 鲤Li 麒Qi 凤Feng 鸾Luan 虬Qiu 珀Po 璃Li 瑶Yao "
    "琼Qiong 桂Gui 棠Tang 槐Huai 梧Wu 蓼Liao 芷Zhi 兰Lan 荇Xing 苔Tai "
    "砚Yan 笺Jian 箫Xiao 笛Di 磬Qing 烛Zhu 灯Deng 帆Fan 棹Zhao 汐Xi"
).split()
_SECOND = (
    "影Ying 鸟Niao 羽Yu 泽Ze 梦Meng 槎Cha 阙Que 澜Lan 汀Ting 浦Pu "
    "渚Zhu 屿Yu 岫Xiu 峤Qiao 麓Lu 坞Wu 圃Pu 苑Yuan 庭Ting 轩Xuan "
    "台Tai 楼Lou 舟Zhou 渡Du 潮Chao 霜Shuang 雪Xue 露Lu 虹Hong 霞Xia "
    "月Yue 辰Chen 朔Shuo 晖Hui 曦Xi 歌Ge 吟Yin 语Yu 谣Yao 铃Ling"
).split()


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and in English spelling, without the word for what it names."""

    zh: str
    en: str


def make_names(random: np.random.Generator) -> list[Name]:
    """Every pair of the two word lists (1,600), in random order."""
    pairs = [Name(a[0] + b[0], a[1:] + b[1:].lower()) for a in _FIRST for b in _SECOND if a[0] != b[0]]
    return [pairs[k] for k in random.permutation(len(pairs))]


def numbered(names: list[Name], count: int) -> list[Name]:
    """`count` names; where the list is too short they go round again with a number (二, 三 …)."""
    digits = "一二三四五六七八九"
    result = []
    for k in range(count):
        name, turn = names[k % len(names)], k // len(names)
        text = "".join(digits[int(d) - 1] if d != "0" else "〇" for d in str(turn + 1))
        result.append(name if turn == 0 else Name(name.zh + text, f"{name.en} {turn + 1}"))
    return result
