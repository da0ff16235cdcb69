"""Login at a real provider, from the browser's first request to its last; programs that bear the provider's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr, ValidationError

from app.access import gate, oidc
from app.access.oidc_fetch import Fetch
from app.errors import LoginFailed, Unavailable
from app.settings import Settings
from tests.access.entrance import Door, door, me
from tests.access.provider import CLIENT, SECRET, Provider, provider
from tests.width import thin

#: Asks the provider as a browser does; loading every authority's certificate for each question would take longer.
OUTSIDE = httpx2.Client(verify=False)


@pytest.fixture
def issuer() -> Iterator[Provider]:
    oidc._provider.cache_clear()
    with provider() as made:
        yield made


@pytest.fixture
def entrance(
    cluster_settings: Settings, template: str, issuer: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Door]:
    monkeypatch.setattr(gate, "TRUSTED_S", 0.0)
    more = {"oidc_issuer": issuer.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    with door(cluster_settings, template, **more) as made:
        made.person("wu", "viewer", password=None, oidc=(issuer.issuer, "sub-1"))
        yield made


def log_in(browser, then="/map"):
    """The whole way of a browser: our page, the provider, back to us."""
    away = browser.get(f"/login/oidc?next={then}")
    assert away.status_code == 303, away.text
    back = OUTSIDE.get(away.headers["location"], follow_redirects=False)
    assert back.status_code == 302
    return browser.get(back.headers["location"])


def test_the_whole_way(entrance, issuer):
    browser = entrance.browser()
    assert "/login/oidc?next=%2Fmap" in browser.get("/login?next=/map").text
    reply = log_in(browser)
    assert (reply.status_code, reply.headers["location"]) == (303, "/map")
    assert (me(browser).json()["name"], me(browser).json()["roles"]) == ("wu", ["viewer"])
    assert "/token" in issuer.asked
    sent = browser.cookies.get("chengtu_oidc")
    assert sent is None
    assert entrance.rows("SELECT FROM city.login_states") == []


def test_what_is_sent_along_is_new_each_time_and_stored_as_hashes(entrance):
    seen = []
    for _ in range(2):
        browser = entrance.browser()
        query = parse_qs(urlsplit(browser.get("/login/oidc").headers["location"]).query)
        seen += [query[name][0] for name in ("state", "nonce", "code_challenge")] + [
            browser.cookies["chengtu_oidc"]
        ]
        stored = str(entrance.rows("SELECT to_jsonb(s)::text FROM city.login_states s"))
        assert query["state"][0] not in stored
        assert browser.cookies["chengtu_oidc"] not in stored
    assert len(set(seen)) == 8
    assert min(map(len, seen)) >= 43


def test_by_https_both_cookies_are_https_alone(entrance):
    browser = entrance.browser("https")
    reply = browser.get("/login/oidc")
    assert reply.headers["set-cookie"].startswith("__Host-chengtu_oidc=")
    assert "secure" in reply.headers["set-cookie"].lower()
    assert parse_qs(urlsplit(reply.headers["location"]).query)["redirect_uri"] == [
        "https://city.example.org/login/oidc/callback"
    ]


def returned(browser):
    """The address to which the provider sends the browser back, not yet asked for."""
    away = browser.get("/login/oidc").headers["location"]
    return OUTSIDE.get(away, follow_redirects=False).headers["location"]


def test_an_answer_is_good_once_and_in_the_browser_that_began(entrance):
    browser, other = entrance.browser(), entrance.browser()
    back = returned(browser)
    assert other.get(back).status_code == 401
    other.get("/login/oidc")
    assert other.get(back).status_code == 401
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 401


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("state=", "state=x"),
        ("code=", "code=x"),
        ("code=", "other="),
        ("state=", "other="),
        ("iss=http", "iss=https"),
    ],
)
def test_an_answer_that_was_changed_is_refused(entrance, old, new):
    browser = entrance.browser()
    reply = browser.get(returned(browser).replace(old, new))
    assert reply.status_code == 401
    assert "chengtu=" not in reply.headers.get("set-cookie", "").replace("chengtu_oidc=", "")
    assert entrance.rows("SELECT FROM city.sessions") == []


def test_what_the_provider_refuses_is_told_on_the_login_page(entrance, issuer):
    issuer.error = "access_denied"
    reply = log_in(entrance.browser())
    assert reply.status_code == 401
    assert "stopped at the provider" in reply.text
    assert "<form" in reply.text


def test_an_old_login_is_not_finished(entrance):
    browser = entrance.browser()
    back = returned(browser)
    entrance.sql("UPDATE city.login_states SET expires_at = now()")
    assert browser.get(back).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1},
        {"sub": None},
        {"sub": "sub-2"},
    ],
    ids=str,
)
def test_an_identity_for_another_login_client_or_person_is_refused(entrance, issuer, claims):
    issuer.spoil = lambda own: issuer.token(**(own | claims))
    assert log_in(entrance.browser()).status_code == 401
    assert entrance.rows("SELECT FROM city.sessions") == []


def test_of_several_audiences_the_client_is_the_one_for_whom_it_was_made(entrance, issuer):
    issuer.spoil = lambda own: issuer.token(**own, aud=[CLIENT, "another"], azp=CLIENT)
    assert log_in(entrance.browser()).status_code == 303


def test_who_is_disabled_stays_out(entrance):
    entrance.sql("UPDATE city.people SET disabled_at = now() WHERE name = 'wu'")
    assert log_in(entrance.browser()).status_code == 401
    assert entrance.rows("SELECT FROM city.sessions") == []


@pytest.mark.parametrize(
    ("allowed", "verified", "status"),
    [(True, True, 303), (True, False, 401), (True, "true", 401), (True, None, 401), (False, True, 401)],
)
def test_a_verified_address_names_a_person_where_that_is_allowed(
    cluster_settings, template, issuer, allowed, verified, status
):
    issuer.claims = {"sub": "new", "email": "Wang@example.org", "email_verified": verified}
    more = {"oidc_issuer": issuer.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    with door(cluster_settings, template, **more, oidc_email=allowed) as made:
        made.person("wang@example.org", "viewer", password=None)
        assert log_in(made.browser()).status_code == status
        bound = made.rows("SELECT oidc_subject FROM city.people WHERE name = 'wang@example.org'")
        assert bound == [("new" if status == 303 else None,)]
        # somebody else of the same address is not the same person
        issuer.claims["sub"] = "other"
        assert log_in(made.browser()).status_code == 401


def test_a_program_bears_the_providers_token(entrance, issuer):
    program = entrance.browser()
    program.headers["Authorization"] = f"Bearer {issuer.access_token()}"
    assert (me(program).json()["name"], me(program).json()["csrf"]) == ("wu", None)
    program.headers["Authorization"] = f"Bearer {issuer.access_token(sub='sub-2')}"
    assert me(program).status_code == 401


ID = {"nonce": "n"}, {"at_hash": "x"}, {"c_hash": "x"}, {"typ": "ID"}, {"token_use": "id"}
ACCESS = {"typ": "Bearer"}, {"token_use": "access"}, {"typ": "Bearer", "nonce": "n"}


def borne(entrance, token):
    program = entrance.browser()
    program.headers["Authorization"] = f"Bearer {token}"
    return me(program).status_code


def test_an_id_token_opens_nothing(entrance, issuer):
    """What a login gives has the client for its audience, too: whoever holds it is not let in by it."""
    kept = []
    issuer.spoil = lambda own: kept.append(issuer.token(**own)) or kept[0]
    assert log_in(entrance.browser()).status_code == 303
    assert borne(entrance, kept[0]) == 401
    assert borne(entrance, issuer.token()) == 401
    for claims in ID:
        assert borne(entrance, issuer.token(**claims)) == 401, claims
    for claims in ACCESS:
        assert borne(entrance, issuer.token(**claims)) == 200, claims
    assert borne(entrance, issuer.access_token(nonce="n")) == 200
    assert borne(entrance, issuer.access_token(at_hash="x")) == 401
    assert borne(entrance, issuer.token(kind="application/at+jwt")) == 200


def test_a_named_audience_takes_tokens_that_say_nothing_and_no_id_token(
    cluster_settings, template, issuer, monkeypatch
):
    monkeypatch.setattr(gate, "TRUSTED_S", 0.0)
    more = {"oidc_issuer": issuer.issuer, "oidc_client_id": CLIENT, "oidc_audience": "our-api"}
    with door(cluster_settings, template, **more) as made:
        made.person("wu", "viewer", password=None, oidc=(issuer.issuer, "sub-1"))
        assert borne(made, issuer.token(aud="our-api")) == 200
        assert borne(made, issuer.access_token(aud="our-api")) == 200
        assert borne(made, issuer.access_token()) == 401
        for claims in ID:
            assert borne(made, issuer.token(aud=[CLIENT, "our-api"], **claims)) == 401, claims


def test_an_access_token_is_no_identity(entrance, issuer):
    issuer.spoil = lambda own: issuer.access_token(**own)
    assert log_in(entrance.browser()).status_code == 401
    assert entrance.rows("SELECT FROM city.sessions") == []


def test_a_key_that_is_replaced_counts_no_more_and_is_asked_for_once_a_minute(entrance, issuer):
    old = issuer.keys[0]
    program = entrance.browser()

    def status(token: str) -> int:
        program.headers["Authorization"] = f"Bearer {token}"
        return int(me(program).status_code)

    assert status(issuer.access_token()) == 200
    new = issuer.rotate("EC")
    known = oidc.provider_of(entrance.settings)
    known._asked -= oidc.REFETCH_S
    assert status(issuer.access_token(new)) == 200
    assert status(issuer.access_token(old)) == 401
    before = issuer.asked.count("/keys")
    assert [status(issuer.access_token(key)) for key in (old, old, old)] == [401] * 3
    assert issuer.asked.count("/keys") == before


def test_the_provider_may_be_away(entrance, issuer):
    issuer.document = {"issuer": "https://elsewhere.example"}
    reply = entrance.browser().get("/login/oidc")
    assert reply.status_code == 503
    assert "<form" in reply.text


def test_while_the_provider_is_away_its_tokens_are_neither_good_nor_nobodys(entrance, issuer):
    issuer.document = {"issuer": "https://elsewhere.example"}
    program = entrance.browser()
    program.headers["Authorization"] = f"Bearer {issuer.access_token()}"
    for path in ("/me", "/conformance", "/docs", "/", "/collections"):
        reply = program.get(path, headers={"Accept": "application/json"})
        assert (reply.status_code, reply.json()["code"]) == (503, "unavailable"), path


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address",
    thin(["http://169.254.169.254/latest", "http://127.0.0.1:1/x", "file:///etc/passwd", "ftp://127.0.0.1/x",
          "https://login.example.org/keys", "//127.0.0.1/x", "http://[", ""]),
)  # fmt: skip
def test_nobody_but_the_issuer_is_asked(entrance, issuer, name, address):
    issuer.document = {name: address}
    away = entrance.browser().get("/login/oidc")
    assert away.status_code in {303, 503}
    with pytest.raises((Unavailable, LoginFailed)):
        Fetch(issuer.issuer).get(address)
    browser = entrance.browser()
    if away.status_code == 303:
        assert browser.get(returned(browser)).status_code in {401, 503}
    assert entrance.rows("SELECT FROM city.sessions") == []


def test_no_redirect_is_followed(issuer):
    with pytest.raises(Unavailable):
        Fetch(issuer.issuer).get(f"{issuer.issuer}/elsewhere")


def test_other_hosts_of_the_issuer_are_those_that_settings_name():
    fetch = Fetch("https://login.example.org", ("oauth2.example.org",))
    assert fetch.may_ask("https://oauth2.example.org/token")
    assert fetch.may_ask("https://login.example.org/keys")
    for address in ("http://oauth2.example.org/token", "https://oauth2.example.org:8443/token",
                    "https://example.org", "https://oauth2.example.org@evil.example/"):  # fmt: skip
        assert not fetch.may_ask(address)


def test_settings_of_a_provider_are_whole_and_its_way_is_private(monkeypatch):
    for issuer, client in (
        ("http://login.example.org", "x"),
        ("ftp://127.0.0.1", "x"),
        ("https://login.example.org", ""),
    ):
        monkeypatch.setenv("CHENGTU_OIDC_ISSUER", issuer)
        monkeypatch.setenv("CHENGTU_OIDC_CLIENT_ID", client)
        with pytest.raises(ValidationError):
            Settings()


def test_without_a_provider_there_is_none(cluster_settings, template):
    with door(cluster_settings, template) as made:
        assert made.browser().get("/login/oidc").status_code == 404
        assert "/login/oidc" not in made.browser().get("/login").text
        program = made.browser()
        program.headers["Authorization"] = "Bearer eyJhbGciOiJub25lIn0.e30.x"
        assert me(program).status_code == 401
