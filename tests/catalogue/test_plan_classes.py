"""Every infrastructure class that the two city plans name has its home in the catalogue."""

from __future__ import annotations

import pytest

from app.catalogue.model import Catalogue

#: Item of the plans (N Nanchang 2021, G Gulou 2021) and its words → class, or class.field, or class.field=choice …
PLAN = {
    "N7 公园广场": "parks",
    "N7 口袋公园、邮票绿地": "parks.kind=pocket",
    "N8 城市绿道": "greenways.network=city",
    "N8 社区绿道": "greenways.network=community",
    "N8 四横七纵六环": "greenways.route",
    "N8 绿道节点": "greenway_nodes.kind=landmark",
    "N8 一江三河十湖": "water_bodies",
    "N9② 道路彩化": "planting_sections.kind=colour",
    "N9③ 月季大道": "planting_sections.kind=rose_avenue",
    "N9④ 百花园": "parks.kind=specialised",
    "N9⑥ 立体绿化": "planting_sections.kind=vertical",
    "G五③ 行道树": "street_trees.category=street",
    "G五③ 花坛": "flower_beds.kind=bed",
    "G五③ 一街一景": "planting_sections.scheme",
    "N4① 道路综合改造": "road_works.kind=rebuild",
    "N4② 桥梁改造": "road_works.kind=bridge bridges",
    "N4② 应急排水系统": "bridges.emergency_drainage",
    "N4② 隧道监控系统": "tunnels.monitored",
    "N5③ 井具井盖": "manholes",
    "N5② 道路空洞": "road_cavities.kind=cavity",
    "N5④ 道路桥梁隧道照明": "streets bridges tunnels street_lights",
    "N6① 增亮、补亮": "road_works.kind=lighting street_lights",
    "N6② 硅衬底LED": "street_lights.lamp=led_silicon",
    "N2③ 焚烧发电厂": "waste_plants.kind=incinerator",
    "N2③ 餐厨垃圾处理厂": "waste_plants.kind=kitchen",
    "N2③ 大件垃圾破碎中心": "waste_plants.kind=bulky",
    "N2④ 再生资源分拣转运中心": "sorting_centres.kind=sorting",
    "N2② 撤桶并点、督导员": "waste_bins.merged_into waste_bins.supervised",
    "N22 浓缩液处理": "waste_plants.kind=concentrate",
    "N22 渗滤液处理": "waste_plants.kind=leachate waste_plants.capacity_t_d",
    "N22② 标识标牌": "public_signs",
    "N18③ 停车泊位": "parking_lots.berths",
    "N19 公厕": "toilets",
    "G五② 流动厕所": "toilets.kind=mobile",
    "G五② 垃圾中转站消杀": "transfer_stations.disinfected_on",
    "G五② 小区亭房": "waste_kiosks.kind=kiosk waste_kiosks.estate",
    "N3② 门店招牌": "shop_signs",
    "N3① 户外广告超期": "outdoor_advertisements.permit_until outdoor_advertisements.approved",
    "N3③ 背街小巷": "alleys",
    "N3③ 水通路平线齐墙美灯亮": "alleys.water_runs alleys.road_flat alleys.lines_neat alleys.walls_fine"
    " alleys.lights_on",
    "N11② 雨污管网改造": "road_works.kind=drainage pipes",
    "N11② 错接": "pipes.defect=misconnected",
    "N11② 漏接": "pipes.defect=missing",
    "N11② 破损": "pipes.defect=broken",
    "N11② 淤堵": "pipes.defect=silted",
    "N11② 渗漏": "pipes.defect=leaking",
    "N12 污水处理厂": "sewage_plants.load_m3_d sewage_plants.sludge_route",
    "N12 一厂一策": "sewage_plants.plan",
    "N10 水系整治": "water_bodies.project road_works.kind=water",
    "N10③ 蓝藻": "water_bodies.algae",
    "N10④ 黑臭水体": "water_bodies.black_odorous",
    "N17① 管线下地": "overhead_lines.treatment=underground road_works.kind=undergrounding",
    "N17③ 捆套": "overhead_lines.treatment=bundle",
    "N17③ 拆除": "overhead_lines.treatment=remove",
    "N17③ 更新": "overhead_lines.treatment=renew",
    "N17② 管线单位": "overhead_lines.owner",
    "N30① 总表供水小区": "residential_areas.water_supply=bulk_meter",
    "N31② 老旧铸铁管网": "pipes.former_material",
    "N31③ 高压管网": "pipes.pressure",
    "N31⑤ 泄漏紧急切断装置": "gas_devices.kind=shut_off",
    "N16 老旧小区": "residential_areas.old estate_programmes",
    "N16① 户、栋、建筑面积、总投资": "estate_programmes.households estate_programmes.houses"
    " estate_programmes.floor_area_m2 estate_programmes.investment_cny",
    "N16② 市场周边老旧小区": "estate_programmes.market",
    "N16 农贸市场": "markets",
    "N15② 施工围挡": "hoardings.permit_until",
    "N15③ 渣土": "construction_sites.spoil_m3 waste_plants.kind=spoil",
    "N15③ 建筑垃圾资源化利用": "waste_plants.kind=construction_waste",
    "N15④ 侵占绿地": "illegal_constructions.kind=green",
    "N15⑤ 共享单车停放": "bike_bays.capacity bike_bays.quota",
    "N15① 违法建设": "illegal_constructions.origin=new illegal_constructions.origin=stock",
    "N31④ 管线占压": "illegal_constructions.kind=pipe",
    "N27③ 不动产": "public_properties",
    "G五① 停车场备案": "parking_lots.filed_on",
    "N23 视频云平台": "monitoring_points.kind=camera",
    "N25③ 门前责任制": "responsibility_areas.kind=frontage",
    "G五④ 网格化": "grid_cells",
    "N7 建成区绿地率": "built_up_areas green_spaces",
    "GB/T 51346 历史文化街区": "historic_districts",
    "CJ/T 214 排水泵站": "pumping_stations",
    "CJ/T 214 公交站亭": "bus_shelters",
    "CJ/T 214 街头座椅": "street_furniture.kind=bench",
    "CJ/T 214 交通信号灯": "traffic_facilities.kind=light",
    "CJ/T 214 变压器": "utility_boxes.kind=transformer",
    "CJ/T 214 立杆": "utility_poles",
    "CJ/T 214 工地": "construction_sites",
    "CJ/T 214 防汛墙": "waterside_facilities.kind=flood_wall",
    "JGJ/T 437 脱空、疏松体、富水体": "road_cavities.kind=void road_cavities.kind=loose road_cavities.kind=wet",
}


@pytest.mark.parametrize("item", PLAN)
def test_what_a_plan_names_has_its_home(declared: Catalogue, item: str):
    for home in PLAN[item].split():
        place, _, choice = home.partition("=")
        class_id, _, name = place.partition(".")
        field = declared.get_class(class_id).get_field(name) if name else None
        assert not choice or (field and choice in {found.value for found in field.choices}), home


#: Words of the plans by which a layer or table is called → the class that answers.
WORDS = {
    "口袋公园": "parks.kind=pocket", "投放点": "waste_bins", "亭房": "waste_kiosks", "垃圾中转站": "transfer_stations",
    "分拣转运中心": "sorting_centres", "污水厂": "sewage_plants", "背街小巷": "alleys", "月季大道": "planting_sections",
    "围挡": "hoardings", "店招": "shop_signs", "广告牌": "outdoor_advertisements", "违建": "illegal_constructions",
    "工地": "construction_sites", "道路空洞": "road_cavities", "老旧小区": "estate_programmes",
    "责任区": "responsibility_areas", "农贸市场": "markets", "花坛": "green_spaces.kind=flower_bed",
}  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_plans_leads_to_its_class(declared: Catalogue, word: str):
    class_id, _, rest = WORDS[word].partition(".")
    if not rest:
        assert word in {declared.get_class(class_id).title.zh, *declared.get_class(class_id).aliases}
        return
    name, _, value = rest.partition("=")
    choices = declared.get_class(class_id).get_field(name).choices
    (choice,) = [found for found in choices if found.value == value]
    assert word in {choice.title.zh, *choice.aliases}
