"""What is said of keys and of reports from the street: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

FIELD: Mapping[str, str] = {
    "From another machine this server answers only with a key.": "其他机器须持密钥访问本服务器。",
    "While nobody is named, this server answers to its own address alone.": "尚未设用户时，本服务器只应答自己的地址。",
    "Open {address}, or name a person: chengtu user new.": "请打开 {address}，或设置用户：chengtu user new。",
    "Open the address that the QR code holds, or ask for a new key: chengtu keys new.": (
        "请打开二维码中的地址，或索取新密钥：chengtu keys new。"
    ),
    "This is no key.": "这不是密钥。",
    "This key is not known here.": "本服务器没有这个密钥。",
    "This key was revoked.": "该密钥已作废。",
    "This key has expired.": "该密钥已过期。",
    "This key does not open that page.": "该密钥不能打开此页。",
    "It opens the phone page: /field": "它可打开手机页：/field",
    "This key is bound to another area.": "该密钥限于另一范围。",
    "It opens the area {code}.": "它可打开范围 {code}。",
    "The feature does not lie in the area of this key.": "该设施不在此密钥的范围内。",
    "Ask for a key for its area.": "请索取该范围的密钥。",
    "There is no {kind} with the id {id} in this area.": "此范围内没有编号为 {id} 的 {kind}。",
    "There is no area with the code '{code}'.": "没有编码为“{code}”的区域。",
    "/collections/districts/items lists them.": "见 /collections/districts/items。",
    "There is no such photo.": "没有这张照片。",
    "The photo has {wide} × {high} pixels; at most {most} are read.": (
        "照片为 {wide} × {high} 像素；最多读取 {most} 像素。"
    ),
    "The photo cannot be read as a picture.": "照片无法读取。",
    "The photo cannot be made small enough.": "照片无法缩小到限定大小。",
    "Send a JPEG, PNG or WebP picture.": "请发送 JPEG、PNG 或 WebP 图片。",
    "{kind} have no field for '{word}'.": "{kind} 没有可记“{word}”的字段。",
    "Known: {names}.": "可用：{names}。",
    "This server has no authority of its own.": "本服务器没有自己的证书机构。",
    "Start it with `chengtu serve --tls`, without --cert.": "请用 chengtu serve --tls 启动（不带 --cert）。",
}
