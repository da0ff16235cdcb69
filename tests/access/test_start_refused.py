"""A server does not start with a secret that anybody would try first (S47), and no secret is told where one is wrong.

That it refuses a superuser and the owner of the tables is in `test_opening.py`.
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.access.weak_secrets import check_secrets, weakness
from app.console import as_chengtu_error
from app.database.server import admin_parameters
from app.errors import SetupFailed
from app.secret_files import LARGEST, secret_settings
from app.settings import Settings
from tests.clones import login_file, opened
from tests.commandline import chengtu

GOOD = "0f5c1b7e9a2d4c68"
OIDC = {"oidc_issuer": "https://login.example.org", "oidc_client_id": "city-map"}


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "empty"), ("   ", "empty"), ("chengtu", "a default"), ("Postgres", "a default"), ("changeme", "a default"),
        (" password ", "a default"), ("xxxxxxxxxxxxxxxx", "a default"), ("mapserver", "the name that stands beside it"),
        ("MapServer", "the name that stands beside it"), ("k3v9-q", "shorter than 8 characters"), (GOOD, None),
        ("好长的一句口令没人猜得到", None),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_secret(secret, why):
    assert weakness(secret, ("mapserver", "")) == why


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://chengtu:chengtu@db/city", "postgresql://owner:@db/city", "postgresql://owner:owner@db/city",
        "postgresql://owner:CITY@db/city", "postgresql+psycopg://owner:postgres@db/city", "postgresql://owner:%20@db/city",
        "host=db user=owner password=changeme dbname=city", "host=db user=owner password='' dbname=city",
        "postgresql://db/city?user=owner&password=secret",
    ],
)  # fmt: skip
def test_a_database_with_an_empty_or_default_password_is_refused(url):
    with pytest.raises(SetupFailed, match="DATABASE_URL"):
        check_secrets(Settings(DATABASE_URL=url))


@pytest.mark.parametrize(
    "url",
    [f"postgresql://owner:{GOOD}@db/city", "postgresql://owner@db/city", "postgresql:///city?host=/run/postgresql",
     "postgresql://db/city?sslcert=/tls/owner.crt", None],
)  # fmt: skip
def test_a_password_of_its_own_or_another_proof_is_taken(url, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    check_secrets(Settings(DATABASE_URL=url))


def test_the_password_of_libpqs_own_variable_counts_too(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "postgres")
    check_secrets(Settings(DATABASE_URL=f"postgresql://owner:{GOOD}@db/city"))
    with pytest.raises(SetupFailed, match="PGPASSWORD"):
        check_secrets(Settings(DATABASE_URL="postgresql://owner@db/city"))


@pytest.mark.parametrize("secret", ["changeme", "city-map", "short"])
def test_a_default_secret_at_the_provider_is_refused(secret):
    with pytest.raises(SetupFailed, match="CHENGTU_OIDC_CLIENT_SECRET"):
        check_secrets(Settings(**OIDC, oidc_client_secret=secret, DATABASE_URL=None))
    check_secrets(Settings(**OIDC, oidc_client_secret=GOOD, DATABASE_URL=None))
    check_secrets(Settings(**OIDC, oidc_client_secret="", DATABASE_URL=None))


@pytest.mark.parametrize("command", ["serve", "run"])
def test_the_commands_end_before_they_listen(environment, tmp_path, command):
    """Even while the database is away: what is tried again later would be too late."""
    away = {
        **environment,
        "CHENGTU_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://chengtu:chengtu@127.0.0.1:1/x",
    }
    done = chengtu(away, command, "--port", "18439")
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert "The secret in DATABASE_URL is a default" in told
    assert "openssl rand -hex 24" in told
    assert "chengtu:chengtu" not in told


def test_the_command_refuses_a_superuser_as_its_own_login(environment, settings):
    """Whoever gave the service's login more than it needs is told before anybody is answered."""
    login_file(settings).unlink()  # that of all copies, which others need
    with opened(settings) as database, database.read() as conn:
        login = conn.exec_driver_sql("SELECT session_user").scalar_one()
    admin = admin_parameters(settings)
    with psycopg.connect(**admin, autocommit=True) as connection:
        connection.execute(SQL("ALTER ROLE {} BYPASSRLS").format(Identifier(login)))
        try:
            done = chengtu(environment, "serve", "--port", "18440")
        finally:
            connection.execute(SQL("ALTER ROLE {} NOBYPASSRLS").format(Identifier(login)))
    assert done.returncode == 2
    assert "whom no rule of access binds" in " ".join(done.stderr.split())


# --- Secrets in files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", secret_settings(Settings))
def test_every_secret_may_stand_in_a_file(name, tmp_path, monkeypatch):
    variable = secret_settings(Settings)[name]
    (tmp_path / "secret").write_text(f"{GOOD}\n", encoding="utf-8")
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("CHENGTU_TIANDITU_APPROVAL", "GS(2025)1")
    found = getattr(Settings(), name)
    assert (found if isinstance(found, str) else found.get_secret_value()) == GOOD


def test_which_settings_are_secrets():
    assert {"database_url", "crs_systems", "tianditu_token", "oidc_client_secret"} <= set(
        secret_settings(Settings)
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"", "holds nothing"), (b"\n", "holds nothing"), (b"\xff\xfe", "no UTF-8"),
     (b"x" * (LARGEST + 1), "holds too much")],
    ids=["missing", "empty", "a line's end", "bytes", "a dump"],
)  # fmt: skip
def test_a_file_without_a_secret_is_refused(content, said, tmp_path, monkeypatch):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    with pytest.raises(SetupFailed, match=said):
        Settings()


def test_a_secret_is_given_once(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/city")
    with pytest.raises(SetupFailed, match="Both DATABASE_URL and DATABASE_URL_FILE"):
        Settings()


def test_what_is_said_of_wrong_settings_holds_no_secret():
    """A setting that does not fit another is told with all values by pydantic: the passwords among them."""
    url = f"postgresql://owner:{GOOD}@db/city"
    with pytest.raises(ValueError, match="TIANDITU_APPROVAL") as caught:
        Settings(DATABASE_URL=url, tianditu_token=GOOD)
    told = as_chengtu_error(caught.value)
    assert "CHENGTU_TIANDITU_TOKEN needs" in told.message
    assert GOOD not in f"{told.message} {told.hint}"
    assert GOOD not in repr(Settings(DATABASE_URL=url))
