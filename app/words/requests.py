"""Why a request is not answered, as pages and problem documents say it: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

#: What a value must be, in the words of the checker of parameters (pydantic).
_VALUES: Mapping[str, str] = {
    "input should be a valid integer, unable to parse string as an integer": "应为整数",
    "input should be a valid integer, unable to parse string as an integer or exceeded maximum size": "应为整数",
    "input should be a valid integer, got a number with a fractional part": "应为整数，不能有小数",
    "input should be a valid integer": "应为整数",
    "input should be a valid number, unable to parse string as a number": "应为数字",
    "input should be a valid number": "应为数字",
    "input should be a finite number": "应为有限的数字",
    "input should be a valid boolean, unable to interpret input": "应为 true 或 false",
    "input should be a valid boolean": "应为 true 或 false",
    "input should be a valid string": "应为文字",
    "input should be a valid list": "应为列表",
    "input should be a valid dictionary": "应为对象",
    "input should be a valid dictionary or object to extract fields from": "应为对象",
    "input should be a valid uuid, {why}": "应为 UUID 编号",
    "input should be a valid UUID, {why}": "应为 UUID 编号",
    "input should be a valid date or datetime, {why}": "应为日期",
    "input should be a valid date in the format YYYY-MM-DD, {why}": "应为 YYYY-MM-DD 格式的日期",
    "input should be a valid datetime, {why}": "应为时间",
    "input should be greater than or equal to {least}": "不能小于 {least}",
    "input should be less than or equal to {most}": "不能大于 {most}",
    "input should be greater than {least}": "应大于 {least}",
    "input should be less than {most}": "应小于 {most}",
    "input should be {names} or {last}": "应为 {names} 或 {last}",
    "input should be {name}": "应为 {name}",
    "string should have at least {count} character": "至少 {count} 个字符",
    "string should have at least {count} characters": "至少 {count} 个字符",
    "string should have at most {count} character": "最多 {count} 个字符",
    "string should have at most {count} characters": "最多 {count} 个字符",
    "string should match pattern '{pattern}'": "格式应符合 {pattern}",
    "list should have at least {count} item after validation, not {given}": "至少 {count} 项，现有 {given} 项",
    "list should have at most {count} items after validation, not {given}": "最多 {count} 项，现有 {given} 项",
    "extra inputs are not permitted": "此处没有这一项",
    "field required": "必须给出",
    "value error, {why!m}": "{why}",
}
_REFUSED: Mapping[str, str] = {
    "The query parameter {name} cannot be used: {why!t}.": "查询参数 {name} 不可用：{why}。",
    "The path parameter {name} cannot be used: {why!t}.": "地址中的 {name} 不可用：{why}。",
    "The header {name} cannot be used: {why!t}.": "请求头 {name} 不可用：{why}。",
    "The body {name} cannot be used: {why!t}.": "请求内容 {name} 不可用：{why}。",
    "The body cannot be used: {why!t}.": "请求内容不可用：{why}。",
    "{count} more can't be used either.": "另有 {count} 项也不可用。",
    "Did you mean {names}?": "是否指 {names}？",
    "The request body is not valid JSON: {why}.": "请求内容不是有效的 JSON：{why}。",
    'Send one JSON object, for example {"policy": "…"}.': '请发送一个 JSON 对象，例如 {"policy": "…"}。',
    "The request body is larger than {count} MB.": "请求内容超过 {count} MB。",
    "Send less at once.": "请分次发送。",
    "Allowed here: {names}.": "此处可用的方法：{names}。",
    "Method Not Allowed: {what}.": "此处不支持 {what}。",
    "A page of another site cannot write here.": "其他网站的页面不能在此写入。",
    "Send it from a page of this server.": "请从本服务的页面发送。",
    "A packed body is not read.": "不接收压缩过的请求内容。",
    "Send it as it is; a .zip or .gz file stays one.": "请按原样发送；.zip 或 .gz 文件保持原样。",
}
#: The kinds of things that have names.
_KINDS: Mapping[str, str] = {
    "area": "区域", "area level": "区域层级", "class": "类别",
    "code system": "编码标准", "collection": "数据集", "duty": "责任",
    "form": "形式", "level": "层级", "level of areas to break figures down by": "分区层级", "mode": "量算方式",
    "parameter": "参数", "part of a run": "结果内容",
    "policy": "指标", "policy of the city's own": "本市指标", "profile": "用途",
    "query parameter": "查询参数", "run": "计算结果", "import": "导入",
    "step": "步长", "tier": "分级指标", "tile matrix set": "瓦片矩阵集",
    "way to patch": "改动方式", "city coordinate system": "城市坐标系", "class of the phone page": "手机页面类别",
}  # fmt: skip
_MISSING: Mapping[str, str] = {
    "There is nothing at {path}.": "没有 {path} 这个页面。",
    "/ lists what there is; /docs describes it.": "请从首页或数据目录进入。",
    "There is no {kind!t} named '{name}'.": "没有名为“{name}”的{kind}。",
    "There is no {kind!t} '{name}' here.": "此处没有{kind}“{name}”。",
    "There is no field of {class} named '{name}'.": "{class} 没有名为“{name}”的字段。",
    "Valid names: {names}.": "可用的名称：{names}。",
    "Valid names: {names} … and {count} more: /docs and docs/reference.md say where to list them.": (
        "可用的名称：{names} … 另有 {count} 个，见接口文档。"
    ),
    "There is no run '{name}'.": "没有编号为“{name}”的计算结果。",
    "GET /coverage lists the runs; unnamed ones are kept for 30 days.": (
        "计算结果列表见 /coverage；未命名的保留 30 天。"
    ),
    "List the runs: GET /coverage.": "计算结果列表见 /coverage。",
    "There is no run {id}.": "没有编号以 {id} 开头的计算结果。",
    "'{id}' is not the id of {article} {kind!t}.": "“{id}”不是{kind}的编号。",
    "Give its id, or the first {count} or more digits of it; {where} lists them.": (
        "请给出编号，或编号开头至少 {count} 位；列表见 {where}。"
    ),
    "More than one {kind!t}'s id begins with '{id}'.": "有多个{kind}的编号以“{id}”开头。",
    "Candidates: {names}": "候选：{names}",
    "'{name}' ({code}) holds more than your areas.": "“{name}”（{code}）超出您的区域。",
    "Name one of your own areas, or none: {areas}.": "请指定自己的区域，或不指定：{areas}。",
    "The run has no area '{code}'.": "该结果没有区域“{code}”。",
    "GET /coverage/{run}/areas lists them; leave it out for the whole.": (
        "其区域见 /coverage/{run}/areas；不指定即为全部。"
    ),
    "The run was not measured by '{mode}'.": "该结果没有按“{mode}”量算。",
    "It has: {names}.": "已有：{names}。",
    "There is no job {id}.": "没有编号为 {id} 的任务。",
    "Its id is in the answer that started it.": "任务编号在发起任务的回答中。",
    "No refused rows of '{name}' are kept.": "没有保存“{name}”被拒绝的行。",
    "None were refused.": "没有行被拒绝。",
    "Its refused rows were too many to keep: see `chengtu import --rejects FILE`.": (
        "被拒绝的行过多，未予保存；可用 `chengtu import --rejects FILE` 取得。"
    ),
    "There is no {class} with the id {id}.": "{class} 中没有编号为 {id} 的要素。",
    "There is no {class} with the code '{code}'.": "{class} 中没有编码为“{code}”的要素。",
    "{class} holds no feature with the id '{id}'.": "{class} 中没有编号为“{id}”的要素。",
    "No {class} with {key} was ever recorded.": "{class} 从未记录过 {key}。",
    "There is no change {number}.": "没有变更 {number}。",
    "`chengtu changes` lists them.": "变更列表见 /changes。",
    "Nothing was recorded of this feature until change {number}.": "到变更 {number} 为止没有这个要素的记录。",
    "Its first change is {number}.": "其首次变更为 {number}。",
    "The import of {file} was already taken back on {day} by {who} (change {number}).": (
        "“{file}”的导入已于 {day} 由 {who} 撤回（变更 {number}）。"
    ),
    "Nothing was changed: all that it wrote is what it was before.": "未作改动：它写入的内容已恢复到之前的样子。",
    "{count} features of the import of {file} were changed since, first {class} '{code}'; nothing was changed.": (
        "“{file}”导入的 {count} 个要素此后又被修改，首个为 {class}“{code}”；未作任何改动。"
    ),
    "Choose on_conflict (--conflicts): keep leaves these as they are, restore takes them back too.": (
        "请选择：保留这些修改，或连同它们一起撤回。"
    ),
    "The import of {file} changed nothing.": "“{file}”的导入没有改动任何内容。",
    "The database holds no data yet, so the city's metric CRS is not fixed.": (
        "数据库中还没有数据，量算坐标系尚未确定。"
    ),
    "Load data first: `chengtu sample load --size town` or `chengtu import PATH`.": (
        "请先导入数据：`chengtu sample load --size town` 或 `chengtu import PATH`，也可在 /imports/new 导入。"
    ),
    "The file that was sent before is not there any more.": "先前上传的文件已不在。",
    "A file is sent, and another is named by 'upload'.": "既发送了文件，又用 upload 指明了另一个。",
    "Give one of both.": "只能给出其中一个。",
}
_TIMES: Mapping[str, str] = {
    "Layers of the server are of now.": "服务器图层只显示当前数据。",
    "Ask for files, or leave as_of and known_at out.": "请改用 connect=files，或去掉 as_of 和 known_at。",
    "Nothing is recorded for known_at={what}.": "known_at={what} 时没有记录。",
    "Give the number of a change (`chengtu changes` lists them) or a moment after the first one.": (
        "请给出变更号（见 /changes），或第一次变更之后的时刻。"
    ),
    "known_at: '{what}' is neither a change number nor a moment.": "known_at：“{what}”既不是变更号，也不是时刻。",
    "Write 42 or 2021-12-31T18:00+08:00.": "请写作 42 或 2021-12-31T18:00+08:00。",
    "known_at: '{what}' lies in the future.": "known_at：“{what}”在将来。",
    "Leave it out to read what is known today.": "不指定即为今天所知。",
    "Write a day as 2021-12-31.": "请把日期写作 2021-12-31。",
    "The interval begins ({start}) after it ends ({end}).": "时间段的开始（{start}）晚于结束（{end}）。",
    "Write the earlier day first.": "请先写较早的日期。",
}
_PLACES: Mapping[str, str] = {
    "The zoom must lie between 0 and 24, not be {zoom}.": "级别应在 0 到 24 之间，而非 {zoom}。",
    "The limit must lie between {least} and {most}, not be {limit}.": (
        "数量上限应在 {least} 到 {most} 之间，而非 {limit}。"
    ),
    "A bbox has 4 or 6 numbers, not {count}.": "范围框有 4 或 6 个数，而非 {count} 个。",
    "Write west,south,east,north in degrees.": "请按 西,南,东,北 的顺序写经纬度。",
    "Each number of a bbox must be finite.": "范围框的每个数都应有限。",
    "The south of the bbox ({south}) lies north of its north ({north}).": (
        "范围框的南界（{south}）在北界（{north}）以北。"
    ),
    "The west of the bbox ({west}) lies east of its east ({east}).": "范围框的西界（{west}）在东界（{east}）以东。",
    "The bbox leaves the world.": "范围框超出了地球范围。",
    "Longitudes lie within ±180 and latitudes within ±90 degrees.": "经度在 ±180 度以内，纬度在 ±90 度以内。",
    "Sort by one of: {names}.": "可按以下字段排序：{names}。",
    "The page is one of another order.": "这一页属于另一种排序。",
    "Keep 'sortby' as it was on the page before.": "请保持前一页的排序方式。",
    "The text to search for holds a character that no text can hold (NUL).": "搜索文字含有不允许的字符（NUL）。",
    "There is no text to search for.": "没有给出搜索文字。",
    "Give a name, a code, an address or pinyin.": "请输入名称、编码、地址或拼音。",
    "The text to search for is longer than {count} characters.": "搜索文字超过 {count} 个字符。",
    "'{name}' holds a character that no text can hold (NUL).": "“{name}”含有不允许的字符（NUL）。",
}
_AWAY: Mapping[str, str] = {
    "Something failed in the server.": "服务器内部出错。",
    "Try again; the server's log has the details under this request's id.": (
        "请再试一次；服务器日志中按本次请求编号记有详情。"
    ),
    "The database does not answer in time.": "数据库没有及时回应。",
    "The database is not reachable.": "无法连接数据库。",
    "The server is being stopped.": "服务正在停止。",
    "The database went away while this was being saved: it is saved whole or not at all.": (
        "保存时与数据库的连接中断：要么已完整保存，要么完全没有保存。"
    ),
    "Look which, or send it again under the same Idempotency-Key: it is never saved twice.": (
        "请查看是否已保存，或用同一 Idempotency-Key 再次发送：不会重复保存。"
    ),
    "Look at the database server's load.": "请查看数据库服务器的负载。",
    "The database is not running.": "数据库没有运行。",
    "The server's machine lacks something.": "服务器的机器缺少某些条件。",
    "Tell whoever runs it: the server's log has the details under this request's id.": (
        "请告知维护人员：服务器日志中此请求编号下有详情。"
    ),
    "Start it: chengtu db start": "请启动：chengtu db start",
    "The database does not exist yet.": "数据库尚未建立。",
    "The database is not set up yet.": "数据库尚未安装好。",
    "Make it: chengtu db migrate": "请建立：chengtu db migrate",
    "Set it up: chengtu db migrate": "请安装：chengtu db migrate",
    "All connections to the database are busy.": "数据库连接全部占用。",
    "The question took the database longer than allowed and was stopped.": "这次查询超过了允许的时间，已停止。",
    "Ask for less at once.": "请缩小范围再试。",
    "The request took longer than {count} s and was stopped.": "请求用时超过允许的 {count} 秒，已停止。",
    "Ask for less at once, or for a job.": "请缩小范围，或作为后台任务提出。",
    "That is more than may be asked for in a minute.": "一分钟内的请求过多。",
    "Wait as long as Retry-After says.": "请按 Retry-After 所说的时间等待后再试。",
    "Too many jobs are waiting.": "等待的任务过多。",
    "Many files are being written right now.": "此刻生成的文件过多。",
    "{count} of your files are being written right now.": "您已有 {count} 个文件正在生成。",
    "Take the next one when one of them has come.": "请等其中一个完成后再下载下一个。",
    "{count} of your jobs are waiting or running.": "您已有 {count} 个任务在等待或运行。",
    "Wait until one of them has ended, or stop one: DELETE /jobs/….": "请等其中一个结束，或停止一个：DELETE /jobs/…。",
    "The question is too complex for the database.": "这次查询过于复杂。",
    "The disk of the database is full; nothing was saved.": "数据库磁盘已满，未保存任何内容。",
    "The database cannot answer: its disk is full.": "数据库暂时无法应答：其磁盘已满。",
    "Free some space; the database then comes back by itself.": "请腾出空间，数据库随后会自行恢复。",
    "Free some space and try again.": "请腾出空间后再试。",
    "Many pages are being read right now.": "当前访问的人较多。",
    "Try again in a moment.": "请稍后再试。",
    "The engine is not running.": "计算引擎没有运行。",
    "It is started again by itself; try again in a few seconds.": "它会自动重启，请过几秒再试。",
    "No engine process belongs to this server.": "本服务没有计算引擎。",
    "Start the server with `chengtu serve`.": "请用 `chengtu serve` 启动服务。",
}
REQUESTS: Mapping[str, str] = {**_VALUES, **_REFUSED, **_KINDS, **_MISSING, **_TIMES, **_PLACES, **_AWAY}
