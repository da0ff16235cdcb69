"""The text of docs/policies.md that says how a city writes a policy of its own, with examples that tests load."""

from __future__ import annotations

#: A whole policy of a city's own.
EXAMPLE = """\
id: toilet-old-estates
title: {zh: 老旧小区如厕300米, en: Toilets within 300 m of old estates}
description:
  zh: 老旧小区 300 米内有对公众开放的公共厕所，不计活动式。
  en: Old estates with a public toilet within 300 m, mobile ones left out.
land: {class: residential_areas, where: {kind: [estate], old: [true]}}
tiers:
  - id: toilet
    title: {zh: 老旧小区300米内有公厕, en: A toilet near an old estate}
    target: 0.9
    supplies:
      - {class: toilets, radius_m: 300, where: {kind: [public, attached, social, null]}}
"""
#: A declared policy with other parameters.
CHANGED = """\
id: toilet-8min
title: {zh: 8分钟如厕圈, en: Eight minutes to a toilet}
based_on: toilet-10min
parameters: {minutes: 8, exclude: [mobile]}
"""
INTRODUCTION = """\
Each policy is one file in `geodata/policies/`. Straight-line distance is measured from the boundary of a facility,
walking from its gates; both figures always stand side by side. Only a figure with its document's own rule, frame
and
denominator is called official (官方口径); every other one is for reference (参考口径) and lists in what it differs.

A policy marked * is a default one: `chengtu run`, `chengtu coverage all`, `/reach` and the map compute it
unasked. The
others are computed when they are named. `chengtu policies` and `GET /policies` list all of them. 带 *
的规则不点名也计算，
其余的点名才计算；两处列出全部规则。"""
GUIDE = f"""\
## 自己写一条规则 · Writing one of your own

规则是一段 YAML。下面就是完整的一条：只写 `id`、`title` 和由什么设施、在多远以内服务，其余都有默认值。

A policy is a piece of YAML. This one is whole: besides `id`, `title` and what serves how far, everything has a
default.

```yaml
{EXAMPLE}```

放到哪里 · Where it goes:

- 存入数据库，立即生效，不改任何文件：`chengtu policies add FILE` 或 `POST /policies`（YAML 或 JSON）。
  每次保存是一个新版本，
  旧版本和用它算的结果都保留；`chengtu policies check FILE` 只检查，`chengtu policies retire ID` 或 `DELETE` 停用。
  Into the database, in force at once, without touching a file. Each saving makes a version; older ones and the
  runs made
  by them stay. `check` only checks, `retire` takes it out of force.
- 或作为文件放进本市文件夹（`CHENGTU_LOCAL`）的 `policies/`，文件名与 `id` 相同，重新启动后生效。
  Or as a file in `policies/` of the city's own folder, named like its `id`, from the next start on.

两种办法都同样出现在命令行、接口和地图里。自定规则永远是参考口径。Either way it is in the command line, the
interface and
the map. A policy saved so is never called official.

只改已有规则的参数时，写下面几行即可，存入数据库或作为文件都行；各档名称里的数字随之改变。A declared policy with
other [parameters](reference.md#parameters) needs only these lines, saved in the database or kept as a file; titles of
its tiers tell the changed numbers:

```yaml
{CHANGED}```

### 键 · Keys

- `id`: 代号，a-z、0-9、`-`、`_`。Letters, digits, `-` and `_`.
- `title`, `description`: 中英文名称和说明。Name and one sentence in both languages; the sentence is the title if
  left out.
- `source`: 依据文件、条款、可信度（V 见过原文，S 转引，M 凭记忆）。`document`, `clause`, `confidence` (V text
  seen, S second
  hand, M from memory), `note`; if left out the city itself.
- `kind`: 类型。`reach` 可达（默认 default），`density` 密度，`share_with` 拥有率，`at_least` 每区至少。
- `default`: 不点名也计算。Computed unasked; true for a city's own if left out.
- `mode`: 文件规定的量法。How the document measures: `straight` (default) or `walk`.
- `profile`: 同一规则的版本。`family`, `edition`, `in_force`: editions of one rule.
- `frame`: 统计范围（面状类）。A class of polygons within which all is counted; if left out all of the data.
- `land`, `people`: 以面积和人口计的需求。Whose land and whose people; residential land and population cells if
  left out.
- `also`: 另加的需求。Further demand: `built_up`, `streets`, `dwellings`, `buildings`.
- `minutes`, `speed_m_s`: 分钟数（代替半径）和步行速度。Minutes in place of a radius; 1.2 m/s if left out.
- `snap_limit_m`, `gate_search_m`: 离路多远算走不到（250）；没有大门时找路的距离（30）。Metres beyond which one
  cannot get to a
  street (250), and within which streets open a place without gates (30).
- `switches`: 可以开关的设施类别，设施类自带。Kinds that a request may include or exclude; classes bring theirs.
- `version`, `official`: 已声明的规则用。For declared policies.
- `tiers`: 各档；只有一档时可把下列键直接写在规则里。The figures; a policy of one may write the keys below in its
  place.

各档按类型写 · A tier by kind, besides `id`, `title` and `target`:

- `reach`: `supplies` 中任何一项在半径内。Any of `supplies` within its reach: `class`, `radius_m` or `minutes`,
  `where`,
  `min_area_m2`, `max_area_m2`, `near`.
- `density`: `count` 除以 `per`，`unit` 为单位。`count` divided by `per`, in `unit`; areas by areas are a share.
- `share_with`: `of` 中具备 `having` 的比例。Of the features `of` those that are `having` all of `where`, `least`
  (field and
  smallest value) and `supplies` (`number` of them within `radius_m`; 0 is in it).
- `at_least`: 每个 `level` 的区域内 `count` 都达到 `target`。`count` reaches `target` in every area of `level`.

其中 · In these:

- `where: {{field: [values]}}` 按字段取值，`null` 为未知；不写明时只计在用、对公众开放或未知的。Keeps rows with
  these values,
  `null` is unknown; `state` and `access`, unless named, are in service and open to the public, or unknown.
- `count`, `of`, `per`: 一个类，以及加总什么：个数，`sum: 字段`，`area: m2|hm2|km2`，`length: m|km`。A class and
  what is added up;
  `per` may be `{{people: 1000}}`, and `distinct: field` counts each value once.
- `near: class` 或 `{{class, where, within_m}}`: 只计在其中或附近的（历史街区的例外、某类用地、市场周边）。Only
  what lies in such a
  polygon or so near: exceptions in historic districts, land uses, estates around markets.
- `target`: 要达到的数（比例为 0 到 1），`{{at_most: x}}` 或 `{{between: [a, b]}}`。A number to reach, or one of
  these."""
