"""Why coverage is not computed, or an edition not saved: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: Parameters of a policy.
_PARAMETERS: Mapping[str, str] = {
    "{name} cannot be {value}.": "{name} 不能是 {value}。",
    "Valid: {what}. For example {example}.": "可用：{what}。例如 {example}。",
    "{name} means nothing to the policy '{policy}'.": "{name} 对指标“{policy}”没有意义。",
    "{name} means nothing to the policy '{policy}' of kind {kind}.": "{name} 对 {kind} 类指标“{policy}”没有意义。",
    "Its facilities are points without an area.": "其设施是点，没有面积。",
    "Nothing is walked.": "该指标不涉及步行。",
    "Only what serves within a distance has a reach.": "只有按服务半径计算的指标才有半径。",
    "target must be a share from 0 to 1, not {value}.": "目标值应为 0 到 1 的比例，而非 {value}。",
    "Write 80 % as 0.8.": "80 % 请写作 0.8。",
    "The policy '{policy}' has no switch named '{name}'.": "指标“{policy}”没有名为“{name}”的开关。",
    "Its switches: {names}.": "其开关：{names}。",
    "Without '{name}' nothing of {class} is left.": "去掉“{name}”后，{class} 中没有可计入的设施。",
    "Exclude less.": "请少排除一些。",
    "at: '{what}' is not an hour.": "“{what}”不是时刻。",
    "Write 22:00, or a day of the week before it: Sa 22:00.": "请写作 22:00，或在前面写星期：Sa 22:00。",
    "There was no area '{code}' on {day}.": "{day} 还没有区域“{code}”。",
    "Choose an area that existed then, or another as_of.": "请选择当时已有的区域，或改用别的时点。",
}
#: Scenarios.
_SCENARIOS: Mapping[str, str] = {
    "Patch {number}: {why!m}": "第 {number} 项改动：{why}",
    "The geometry cannot be used: {why!m}.": "图形不可用：{why}。",
    "The polygon is not valid: {why!m}.": "多边形无效：{why}。",
    "Draw it without crossing itself.": "请重画，边界不要自相交。",
    "The shape at {lon}, {lat} lies outside the city's data.": "（{lon}, {lat}）处的图形在城市数据范围之外。",
    "Coordinates are [longitude, latitude], in degrees (WGS84).": "坐标为 [经度, 纬度]，单位度（WGS84）。",
    "There is no feature of {class} named '{name}'.": "{class} 中没有编码为“{name}”的设施。",
    "There is no feature '{code}' of {class}.": "{class} 中没有编码为“{code}”的设施。",
    "Patches before it may have removed it.": "可能已被前面的改动拆除。",
    "{class} say where is measured; a scenario cannot change them.": "{class} 决定在哪里量算，情景不能改动。",
    "Patch facilities, gates, streets, residential areas or population cells.": (
        "可以改动设施、出入口、道路、居住用地或人口格网。"
    ),
    "The drawn street meets no other.": "画出的通道没有接到任何道路。",
    "Draw it to within {metres} m of a street at one end at least.": "请至少让一端画到离道路 {metres} 米以内。",
    "Nobody walks on that street.": "这条道路不能步行。",
    "The policy '{policy}' does not measure who reaches what.": "指标“{policy}”不按可达计算。",
    "Choose a policy of kind reach: `chengtu policies` lists them.": "请选择按可达计算的指标。",
    "A scenario has 1 to {count} patches.": "一个情景有 1 到 {count} 项改动。",
}
#: The city's own editions.
_EDITIONS: Mapping[str, str] = {
    "'{name}' says so already, in version {number}.": "“{name}”第 {number} 版已是这样的内容。",
    "Nothing was saved.": "没有保存。",
    "line {number} of the policy, key '{key}': {why!m}.": "“{key}”：{why}。",
    "'{name}' is a declared policy": "“{name}”是内置指标的编号",
    "Choose another id; based_on can name the declared one.": "请换一个编号。",
    "{count} policies of the city's own are computed unasked already.": "本市默认计算的指标已有 {count} 个。",
    "Write default: false, or retire one.": "请停用其中一个。",
    "The engine did not answer within {seconds} s.": "计算引擎在 {seconds} 秒内没有回答。",
    "Ask for a smaller area, or later.": "请缩小范围，或稍后再试。",
    "Try again in a few seconds; `chengtu serve` starts it again by itself.": "它会自动重启，请过几秒再试。",
}
COVERAGE: Mapping[str, str] = {**_PARAMETERS, **_SCENARIOS, **_EDITIONS}
