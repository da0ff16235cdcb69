"""Every failure as `application/problem+json` (RFC 9457), or as a page: one handler, no leaks, a hint."""

from __future__ import annotations

import difflib
import http
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.access.negotiation import choose_format, choose_lang
from app.catalogue.model import Lang
from app.errors import BadInput, ChengtuError, NotFound, TooLarge, outside
from app.web.templates import render
from app.words.sentences import in_chinese, say

log = logging.getLogger("chengtu.web")
MEDIA_TYPE = "application/problem+json"
#: Longest request body.
MAX_BODY_BYTES = 1_000_000

#: code → (Chinese, English) title; a code that is not here has the title of its status.
TITLES: Mapping[str, tuple[str, str]] = {
    "not-found": ("未找到", "Not found"),
    "bad-input": ("请求有误", "Bad request"),
    "bad-declaration": ("声明有误", "Bad declaration"),
    "unreadable-file": ("文件无法读取", "Unreadable file"),
    "too-large": ("请求过大", "Content too large"),
    "bad-geometry": ("几何图形有误", "Bad geometry"),
    "conflict": ("冲突", "Conflict"),
    "precondition-failed": ("版本已变", "Precondition failed"),
    "precondition-required": ("须指明版本", "Precondition required"),
    "unsupported-media-type": ("不支持的内容类型", "Unsupported media type"),
    "too-many-requests": ("请求过多", "Too many requests"),
    "unavailable": ("服务暂不可用", "Unavailable"),
    "away": ("服务暂不可用", "Unavailable"),
    "in-doubt": ("保存结果未知", "Not known whether it was saved"),
    "no-space": ("磁盘已满", "Disk full"),
    "key-required": ("需要密钥", "Key required"),
    "login-failed": ("登录失败", "Login failed"),
    "login-required": ("需要登录", "Log in"),
    "forbidden": ("不允许", "Forbidden"),
    "method-not-allowed": ("不支持的方法", "Method not allowed"),
    "setup-failed": ("未安装好", "Set-up failed"),
    "internal": ("内部错误", "Internal error"),
}


#: What a page in Chinese says of a failure whose own words are English alone, by the first digit of its status.
IN_GENERAL: Mapping[int, str] = {4: "请求的内容无法给出。", 5: "服务暂时无法完成这个请求。"}
#: Paths of what a page loads: an error there is read by nobody.
_ASSETS = (".js", ".css", ".json", ".png", ".mvt", ".pbf")


def problem(request: Request, error: ChengtuError, headers: Mapping[str, str] | None = None) -> Response:
    """`error` as a page where a browser asks for one, else as a problem document; it names no path of the machine."""
    said = outside(error)
    if said is not error:
        log.error("The server's machine lacks something: %s %s", error.message, error.hint or "")
        error = said
    if wants_page(request):
        return _page(request, error, headers or {})
    return _document(request, error, headers or {})


def wants_page(request: Request) -> bool:
    """Whether the answer is for a reader: `f=html`, else an `Accept` that names HTML before JSON."""
    asked = request.query_params.get("f")
    if asked is not None:
        return asked == "html"
    return choose_format(request.headers.get("accept")) == "html" and not request.url.path.endswith(_ASSETS)


def _page(request: Request, error: ChengtuError, headers: Mapping[str, str]) -> Response:
    """The sentence, the hint, the request's id and the ways on; without the styles a plain document."""
    settings = getattr(request.app.state, "settings", None) if "app" in request.scope else None
    lang = _lang(request, "zh" if settings is None else settings.lang)
    said, hint = (None if text is None else say(text, lang) for text in (error.message, error.hint))
    foreign = lang == "zh" and in_chinese(error.message) is None
    try:
        text = render(
            "problem.html", lang, title=_title(error, lang), status=error.status, request_id=_request_id(request),
            message=IN_GENERAL[error.status // 100] if foreign else said, original=said if foreign else None,
            hint=None if hint is None or (lang == "zh" and in_chinese(error.hint or "") is None) else hint,
            other=_other_lang(request, lang), again=error.status >= 500,
        )  # fmt: skip
    except ChengtuError:
        return _document(request, error, headers)
    return HTMLResponse(text, error.status, _headers(error, headers, "zh-CN" if lang == "zh" else "en"))


def _other_lang(request: Request, lang: Lang) -> str:
    """The query of the same page in the other language."""
    rest = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "f"}]
    return urlencode([*rest, ("f", "html"), ("lang", "en" if lang == "zh" else "zh")])


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _headers(error: ChengtuError, headers: Mapping[str, str], lang: str) -> dict[str, str]:
    extra = {
        "Cache-Control": "no-store",
        "Content-Language": lang,
        "Vary": "Accept, Accept-Language",
        **headers,
    }
    if error.status in {http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.TOO_MANY_REQUESTS}:
        extra.setdefault("Retry-After", "5")
    return extra


def _document(request: Request, error: ChengtuError, headers: Mapping[str, str]) -> Response:
    """The problem document of `error`: type, title, status, detail, code, hint and the request's id."""
    lang = _lang(request, "en")
    chinese = lang == "zh" and in_chinese(error.message) is not None
    body: dict[str, Any] = {
        "type": f"urn:chengtu:problem:{error.code}",
        "title": _title(error, lang),
        "status": error.status,
        "detail": say(error.message, lang),
        "code": error.code,
    }
    if error.hint:
        body["hint"] = say(error.hint, lang)
    body.update(error.members)
    if "errors" in body:
        body["errors"] = [_said(item, lang) for item in body["errors"]]
    body["instance"] = f"urn:chengtu:request:{_request_id(request)}"
    extra = _headers(error, headers, "zh-CN" if chinese else "en")
    return JSONResponse(body, status_code=error.status, headers=extra, media_type=MEDIA_TYPE)


def _said(item: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """What is wrong with one value, its sentences in the language of the document."""
    sentences = ("reason", "hint")
    return {name: say(value, lang) if name in sentences else value for name, value in item.items()}


def _lang(request: Request, default: Lang) -> Lang:
    asked = request.query_params.get("lang")
    if asked == "zh":
        return "zh"
    return "en" if asked == "en" else choose_lang(request.headers.get("accept-language"), default)


def _title(error: ChengtuError, lang: Lang) -> str:
    if error.code in TITLES:
        return TITLES[error.code][0 if lang == "zh" else 1]
    return http.HTTPStatus(error.status).phrase


def internal_error() -> ChengtuError:
    """What a client hears of a failure nobody expected: nothing of its inside."""
    error = ChengtuError(
        "Something failed in the server.",
        "Try again; the server's log has the details under this request's id.",
    )
    error.code = "internal"
    return error


def install(app: Starlette) -> None:
    """Register the handlers on `app`."""
    app.add_exception_handler(ChengtuError, _on_chengtu_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_chengtu_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChengtuError)
    return problem(request, error, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(request, describe_validation(error.errors()))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED and (methods := allowed_methods(request)):
        # The framework names the methods of the first route at the path alone.
        error.headers = {"Allow": ", ".join(methods)}
    return problem(request, describe_http(request, error), error.headers)


def describe_validation(errors: Iterable[Mapping[str, Any]]) -> BadInput:
    """One sentence naming the first wrong parameter, its value and why; the hint counts the others."""
    first, *others = errors
    if first["type"] == "json_invalid":
        reason = str(first.get("ctx", {}).get("error", "")).lower() or "it cannot be read"
        return not_json(f"{reason} at character {int(first['loc'][-1]) + 1}")
    place, *path = (str(part) for part in first["loc"])
    kind = {"query": "query parameter", "path": "path parameter", "header": "header", "body": "body"}.get(
        place, place
    )
    name = f"{kind} '{'.'.join(path)}'" if path else kind
    given = (
        "" if first["type"] == "missing" or first.get("input") is None else f" {str(first['input'])[:100]!r}"
    )
    reason = first["msg"][:1].lower() + first["msg"][1:]
    hint = f"{len(others)} more can't be used either." if others else None
    return BadInput(
        f"The {name}{given} cannot be used: {reason}.".replace("..", "."), _nearest(first) or hint
    )


def not_json(reason: str) -> BadInput:
    """The error for a request body that is no JSON, and why."""
    return BadInput(
        f"The request body is not valid JSON: {reason}.", 'Send one JSON object, for example {"policy": "…"}.'
    )


def too_large(limit: int) -> TooLarge:
    """The error for a request body over the limit, bytes."""
    return TooLarge(f"The request body is larger than {limit // 1_000_000} MB.", "Send less at once.")


def _nearest(error: Mapping[str, Any]) -> str | None:
    """For a value that is none of a list, the nearest ones of that list."""
    if error["type"] not in {"literal_error", "enum"}:
        return None
    expected = str(error.get("ctx", {}).get("expected", ""))
    names = [name.strip("' ") for name in expected.replace(" or ", ", ").split(", ")]
    near = difflib.get_close_matches(str(error.get("input")), names, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(near)}?" if near else f"Valid values: {', '.join(names)}."


def describe_http(request: Request, error: HTTPException) -> ChengtuError:
    """The framework's own 404, 405 and others in our words."""
    if error.status_code == http.HTTPStatus.NOT_FOUND:
        return NotFound(
            f"There is nothing at {request.url.path}.", "/ lists what there is; /docs describes it."
        )
    if error.status_code == http.HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
        return _unreadable_body(error.__cause__)
    if error.status_code == TooLarge.status:
        return too_large(int(error.detail) if error.detail.isdecimal() else MAX_BODY_BYTES)
    phrase = http.HTTPStatus(error.status_code).phrase
    told = ChengtuError(f"{phrase}: {request.method} {request.url.path}.", None)
    told.status, told.code = error.status_code, phrase.lower().replace(" ", "-")
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        told.hint = f"Allowed here: {(error.headers or {}).get('Allow', '')}."
    return told


def _unreadable_body(cause: BaseException) -> BadInput:
    """What the framework tells as a bare 400: a body that failed before it could be checked."""
    if isinstance(cause, UnicodeDecodeError):
        return not_json(f"byte {cause.start + 1} is not UTF-8")
    if isinstance(cause, RecursionError):
        return not_json("it is nested too deeply")
    return not_json("it cannot be read")


def allowed_methods(request: Request) -> list[str]:
    """Every method that some route takes at the request's path, in alphabetical order."""
    routes: Iterable[Any] = getattr(request.app.state, "routes", ())
    path = request.url.path
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods})
