"""What is said of edits over HTTP: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: Bodies and their media types.
_BODIES: Mapping[str, str] = {
    "The request names no media type.": "请求未注明内容类型。",
    "Send Content-Type: {media}.": "请发送 Content-Type: {media}。",
    "A body of type '{media}' is not taken here.": "此处不接收类型为“{media}”的请求体。",
    "Send {one} or {other}.": "请发送 {one} 或 {other}。",
    "Send {what}.": "请发送 {what}。",
    "The request has no body.": "请求没有请求体。",
    "The body was cut off.": "请求体中断。",
    "The body is not valid JSON: {why}.": "请求体不是有效的 JSON：{why}。",
    "The FeatureCollection holds no features.": "该 FeatureCollection 不含要素。",
    "Each feature is {what}.": "每个要素的写法：{what}。",
    "The body holds {count} features; at most {most} are created at once.": (
        "请求体含 {count} 个要素；一次最多新建 {most} 个。"
    ),
    "Load them as a file: POST /imports.": "请作为文件导入：POST /imports。",
    "The feature has no member '{name}' (RFC 7946 §3.2).": "要素缺少成员“{name}”（RFC 7946 §3.2）。",
    "There is '{found}'; write '{name}'.": "写成了“{found}”，请写“{name}”。",
    "The body is a {kind}, not a GeoJSON Feature.": "请求体是 {kind}，不是 GeoJSON Feature。",
    "The body is no GeoJSON Feature.": "请求体不是 GeoJSON Feature。",
    "The body is no JSON object.": "请求体不是 JSON 对象。",
    "A feature has no member '{name}'.": "要素没有成员“{name}”。",
    'What is to be changed stands in "properties" and "geometry".': (
        "要修改的内容写在 properties 和 geometry 中。"
    ),
    "A patch with the properties null would clear them all.": "properties 为 null 会清空所有属性。",
    "Name those to be cleared, each as null.": "请逐一写出要清空的属性，值为 null。",
    "The patch changes nothing.": "该修改不含任何内容。",
    "The properties of the feature are no JSON object.": "要素的 properties 不是 JSON 对象。",
    "The member 'crs' names no system.": "成员 crs 未指明坐标系。",
    "Leave it out and send the header Content-Crs.": "请去掉它，改用请求头 Content-Crs。",
    "The features name different systems.": "各要素的坐标系不同。",
    "Send those of one system together.": "请将同一坐标系的要素一起发送。",
    "The header names EPSG:{one}, the body EPSG:{other}.": "请求头为 EPSG:{one}，请求体为 EPSG:{other}。",
    "Leave out the member 'crs'.": "请去掉成员 crs。",
}

#: Versions, keys, what may be edited.
_VERSIONS: Mapping[str, str] = {
    "The feature is at home outside the areas in which you edit.": "该要素位于您可编辑的区域之外。",
    "The feature would lie outside the areas in which you edit.": "该要素将位于您可编辑的区域之外。",
    "Feature {number} of the body would lie outside the areas in which you edit.": (
        "请求体中第 {number} 个要素将位于您可编辑的区域之外。"
    ),
    "Ask for the role editor in its area.": "请申请该区域的编辑权限。",
    "Areas are edited only by who may edit the whole city.": "区域边界只能由可编辑全市的人修改。",
    "Their borders decide who may see and edit what.": "它们的边界决定谁能查看和编辑什么。",
    "{name} do not say whose they are, so that contractors do not edit them.": (
        "{name} 不记录归属单位，承包单位不能编辑。"
    ),
    "Ask the office that keeps them.": "请联系其主管部门。",
    "A contractor does not say whose a feature is: {name} cannot become '{value}'.": (
        "承包单位不能指定要素的归属：{name} 不能改为“{value}”。"
    ),
    "Leave out {fields}: what you make is {party}'s.": "请去掉 {fields}：您建立的要素归 {party}。",
    "The feature has no version {number}: its version is {current}.": (
        "该要素没有版本 {number}：当前版本为 {current}。"
    ),
    "Leave out change to assess the feature as it is now.": "去掉 change 即按现状测评。",
    "A public view has no assessments.": "公开视图不含测评。",
    "You may not write this; nothing was saved.": "您无权写入；未保存任何内容。",
    "Write only what you may see, in the areas and of the party that you may write for.": (
        "只能写入您可查看、且属于您的区域和单位的内容。"
    ),
    "{count} features that this would bring back lie outside what you may edit; nothing was changed.": (
        "将恢复的要素中有 {count} 个超出您可编辑的范围；未作任何更改。"
    ),
    "Restore features of your own one by one, or ask who may edit all of them.": (
        "请逐个恢复您自己的要素，或请有权编辑全部要素的人处理。"
    ),
    "The request names no version of the feature.": "请求未指明要素的版本。",
    "Get the feature and send its ETag back as If-Match.": "请先读取该要素，并将其 ETag 作为 If-Match 发回。",
    "If-Match: {header} is no list of entity tags.": "If-Match：{header} 不是实体标签。",
    'Send the ETag as it came, with its quotation marks: If-Match: "42-0a1b2c3d".': (
        '请原样发回 ETag，连同引号：If-Match: "42-0a1b2c3d"。'
    ),
    "Somebody else has changed the feature: its version is now {number}.": (
        "该要素已被他人修改：当前版本为 {number}。"
    ),
    "Look at what it is now ('current'), and send your change again with its ETag as If-Match.": (
        "请查看其现状（current），再以其 ETag 作为 If-Match 重新提交。"
    ),
    "The feature exists already.": "该要素已存在。",
    "Leave out If-None-Match to change it.": "要修改它，请去掉 If-None-Match。",
    "{name} holds no feature with the id '{item}'.": "{name} 中没有编号为“{item}”的要素。",
    "What was recorded of it: {address}; new ones are made by POST.": (
        "其历史记录：{address}；新要素用 POST 建立。"
    ),
    "{name} holds no feature with the id '{item}' at that time.": "该时间 {name} 中没有编号为“{item}”的要素。",
    "What was recorded of it: {address}. By its code: {items}": "其历史记录：{address}。按编码查找：{items}",
    "By its code: {items}": "按编码查找：{items}",
    "{name} holds what runs computed, which is not edited.": "{name} 是计算结果，不可编辑。",
    "Allowed here: {methods}.": "此处可用：{methods}。",
    "Another body was sent under the same Idempotency-Key.": "同一 Idempotency-Key 下已发送过另一请求体。",
    "Give each request its own key.": "请为每个请求使用各自的键。",
    "Many edits are being made right now.": "此刻编辑过多。",
    "Try again in a moment.": "请稍后重试。",
    "never=true and valid_to contradict each other.": "never=true 与 valid_to 相互矛盾。",
    "Give one of the two.": "请只给出其中一个。",
    "The city is still empty: one feature alone would fix its metric CRS.": (
        "城市尚无数据：不能只凭一个要素确定其米制坐标系。"
    ),
    "Load data first (POST /imports), or set CHENGTU_METRIC_CRS.": (
        "请先导入数据（POST /imports），或设置 CHENGTU_METRIC_CRS。"
    ),
    "A feature of {name} with the code '{code}' is there already: {address}.": (
        "{name} 中已有编码为“{code}”的要素：{address}。"
    ),
    "Change that one with PATCH, or give the new one another code.": (
        "请用 PATCH 修改它，或为新要素另给编码。"
    ),
}

#: Single values and shapes.
_VALUES: Mapping[str, str] = {
    "{field} cannot be stored: {reason!t}.": "{field} 无法保存：{reason}。",
    "{count} more faults stand in 'errors'.": "errors 中另有 {count} 处错误。",
    "it is kept by the server and cannot be set": "该项由服务器维护，不能设置",
    "Leave it out, or send it back as it was.": "请去掉它，或按原值发回。",
    "the collection has no such property": "该数据集没有这个属性",
    "Did you mean {one} or {other}?": "是否指 {one} 或 {other}？",
    "The collection's /schema lists its properties.": "该数据集的 /schema 列出其属性。",
    "a code is a text": "编码应为文本",
    "Such as WC-0001.": "例如 WC-0001。",
    "the feature would not be there today": "该要素今天将不存在",
    "What is so on other days than today is loaded as a file: POST /imports.": (
        "今天以外的情况请作为文件导入：POST /imports。"
    ),
    "feature {number} of the body bears it too": "请求体中第 {number} 个要素也用了它",
    "Give each its own.": "请各用各的。",
    "the code stays as it is ({code})": "编码不变（{code}）",
    "Imports know the feature by it. Delete the feature and create it under the other code.": (
        "导入时凭它识别要素。请删除该要素，再以另一编码新建。"
    ),
    "the address names the feature {item}": "地址所指的要素是 {item}",
    "Draw one: every feature has a place.": "请画出图形：每个要素都有位置。",
    "Check the coordinates, their order and the header Content-Crs.": (
        "请检查坐标、坐标顺序和请求头 Content-Crs。"
    ),
    "Where it is right as it is, allow_outside=true takes it.": "若确实无误，可用 allow_outside=true 接收。",
    "Draw it as the class asks.": "请按该类的要求绘制。",
    "Create one feature a place.": "请一处建一个要素。",
    "Simplify it, or load it as a file: POST /imports.": "请简化，或作为文件导入：POST /imports。",
    "Draw it anew, or load it as a file: POST /imports.": "请重画，或作为文件导入：POST /imports。",
    "the outline crosses itself too often to be repaired here": "边界自相交过多，此处无法修复",
    "Mend the geometry.": "请改正图形。",
    "Fill in code_system.": "请填写 code_system。",
}

EDITS: Mapping[str, str] = {**_BODIES, **_VERSIONS, **_VALUES}
