"""`chengtu db backup`: whole, compared, private; nothing is left of one that failed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.access import audit_service
from app.backup import copies, folders, service, store
from app.backup.archive import look, unpack
from app.backup.manifest import differences
from app.database.clients import find_clients
from app.database.engine import open_database
from app.database.server import admin_parameters
from app.errors import BadInput, Conflict, NoSpace, NotFound, SetupFailed
from tests.backup.town import Town, admin, backed_up, databases
from tests.commandline import chengtu
from tests.width import few


@pytest.fixture(scope="module")
def town(cluster_settings, town_template, tmp_path_factory) -> Iterator[Town]:
    with backed_up(cluster_settings, town_template, tmp_path_factory.mktemp("home"), verify=True) as made:
        yield made


def quiet(_: str) -> None:
    """Nobody is told."""


def environment(town: Town) -> dict[str, str]:
    return {"CHENGTU_HOME": str(town.settings.home_path), "DATABASE_URL": str(town.settings.database_url)}


def test_a_backup_made_while_somebody_writes_was_compared_and_is_private(town: Town):
    made = town.made
    assert made.verified
    assert made.rows > 1000
    assert made.audit["whole"] is True
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert made.file.stat().st_size == made.bytes
    assert [path.name for path in town.folder.iterdir()] == [made.file.name], "something is left beside it"
    name = str(admin_parameters(town.settings)["dbname"])
    assert databases(town.settings) == {name}, "the scratch database is left"


def test_it_says_what_it_holds(town: Town):
    manifest = look(town.made.file)
    assert manifest.revision == town.made.revision
    assert manifest.tables["city.toilets"][0] > 0
    assert manifest.versions["toilets"] > 0
    assert manifest.audit["seq"] > 0
    with admin(town.settings) as connection:
        assert connection.execute("SELECT count(*) FROM city.parks").fetchone() == (
            manifest.tables["city.parks"][0],
        )


def test_it_is_known_of_afterwards_and_noted_in_the_record(town: Town):
    told = folders.last(town.settings)
    assert told is not None
    assert {"at", "file", "bytes", "verified"} <= told.keys()
    assert (told["file"], told["bytes"], told["verified"]) == (str(town.made.file), town.made.bytes, True)
    with open_database(town.settings) as db:
        noted = audit_service.entries(db, audit_service.Wanted(event="backup.made"), 5)["entries"]
        assert noted[0]["object"] == town.made.file.name
        assert audit_service.verify(db).whole


def test_what_differs_is_found(town: Town, tmp_path, cluster_settings, town_template):
    """A row, a right, a policy, a sequence: none may be other than in the backup."""
    copy = copies.Copy(unpack(town.made.file, tmp_path), tmp_path)
    given = copy.contents
    assert differences(given, given) == []
    with admin(town.settings) as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "UPDATE city.parks SET name_zh = name_zh || '。' WHERE id = (SELECT min(id) FROM city.parks)"
        )
        connection.execute("GRANT SELECT ON city.people TO chengtu_see_public")
        connection.execute("DROP POLICY read ON city.toilets")
        connection.execute("ALTER TABLE city.audit DISABLE TRIGGER audit_refuse")
        connection.execute("DELETE FROM city.reports")
        connection.execute("SELECT setval('city.parks_id_seq', 1)")
        found = differences(given, store.contents_of(connection))
    told = "\n".join(found)
    assert "the rows of city.parks are others" in told
    assert "the sequence city.parks_id_seq stands before" in told
    for word in ("table city people", "policy city toilets read", "trigger"):
        said = (f"lacking: {word}", f"not in the backup: {word}")
        assert any(line.startswith(said) for line in found), word


@pytest.mark.wide
def test_a_copy_that_is_not_equal_is_no_backup(town: Town, tmp_path, monkeypatch):
    """Whatever spoils the copy: no file is offered, and no scratch database stays."""
    before = databases(town.settings)

    def lost(_server, _clients, _copy, name) -> None:
        with admin(town.settings, name) as connection:
            connection.execute("CREATE SCHEMA city")
            connection.execute("CREATE TABLE city.alembic_version (version_num text)")

    monkeypatch.setattr(copies, "fill", lost)
    with pytest.raises(Conflict, match="access_keys is lacking"):
        service.backup(town.settings, f"{tmp_path}/", keep=None, verify=True, tell=quiet)
    assert list(tmp_path.iterdir()) == []
    assert databases(town.settings) == before


def test_what_is_there_is_never_replaced_and_older_ones_go_only_for_a_verified_one(town: Town):
    content = town.made.file.read_bytes()
    with pytest.raises(Conflict, match="is there already"):
        service.backup(town.settings, str(town.made.file), keep=None, verify=False, tell=quiet)
    with pytest.raises(BadInput, match="verified"):
        service.backup(town.settings, None, keep=1, verify=False, tell=quiet)
    assert town.made.file.read_bytes() == content


def test_the_newest_are_kept_of_this_database_alone(town: Town, tmp_path):
    names = [f"chengtu-2026010{day}t000000.backup" for day in range(1, 6)]
    for name in names:
        shutil.copy(town.made.file, tmp_path / name)
    (tmp_path / "chengtu-20250101t000000.backup").write_bytes(b"another's")
    shutil.copy(town.made.file, tmp_path / "by-hand.backup")
    mark = look(town.made.file).place.mark
    assert folders.remove_older(tmp_path / names[-1], 2, "another") == []
    assert [path.name for path in folders.remove_older(tmp_path / names[-1], 2, mark)] == names[:3]
    assert len(list(tmp_path.iterdir())) == 4


def test_two_at_once_take_turns(town: Town):
    server = admin_parameters(town.settings)
    with store.alone(server, str(server["dbname"])):
        done = chengtu(environment(town), "db", "backup", "--no-verify")
    assert done.returncode == 2
    assert "Another backup or restore" in done.stderr


def test_the_command_says_what_it_made(town: Town, tmp_path):
    done = chengtu(
        environment(town), "db", "backup", "--to", f"{tmp_path}/city.backup", "--no-verify", "--json"
    )
    told = json.loads(done.stdout)
    assert (told["file"], told["verified"]) == (f"{tmp_path}/city.backup", False)
    assert look(tmp_path / "city.backup").tables.keys() == look(town.made.file).tables.keys()


def test_leftovers_of_a_killed_backup_go_with_the_next(tmp_path):
    left = tmp_path / ".chengtu-work-killed"
    left.mkdir()
    (left / "lock").touch()
    (left / "draft").write_bytes(b"half")
    with folders.work_folder(tmp_path) as first:
        assert not left.exists()
        with folders.work_folder(tmp_path):
            assert first.exists(), "another one that is running was removed"
    assert list(tmp_path.iterdir()) == []


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own that is soon full; only root can mount one."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("full", few(["while dumping", "while packing"], ["while dumping"]))
def test_a_full_disk_leaves_nothing_and_harms_nothing(town: Town, tmp_path, full):
    """Told as it is; what was there before is untouched."""
    size = 64 if full == "while dumping" else town.made.bytes // 1024 + 200
    with small_disk(tmp_path, f"{size}k") as folder:
        (folder / "older.backup").write_bytes(b"untouched")
        with pytest.raises(NoSpace, match="full"):
            service.backup(town.settings, f"{folder}/", keep=None, verify=True, tell=quiet)
        assert [path.name for path in folder.iterdir()] == ["older.backup"]
        assert (folder / "older.backup").read_bytes() == b"untouched"
        done = chengtu(environment(town), "db", "backup", "--to", f"{folder}/")
        assert done.returncode == 2
        assert f"The disk of {folder} is full" in " ".join(done.stderr.split())
        assert "Hint" in done.stderr


def test_an_older_pg_dump_is_refused_with_what_to_install(tmp_path):
    for major in (14, 16, 17):
        folder = tmp_path / str(major) / "bin"
        folder.mkdir(parents=True)
        for program in ("pg_dump", "pg_restore"):
            (folder / program).write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.2'\n")
            (folder / program).chmod(0o755)
    held = [tmp_path / str(major) / "bin" for major in (14, 16, 17)]
    assert find_clients(15, held).major == 16
    assert find_clients(17, held).major == 17
    with pytest.raises(SetupFailed, match="PostgreSQL 18") as failed:
        find_clients(18, held)
    assert "postgresql-client-18" in str(failed.value.hint)


@pytest.mark.parametrize(("to", "lacking"), [("none/", "none"), ("none/city.backup", "none")])
def test_a_folder_that_is_missing_is_not_made(town: Town, tmp_path, to, lacking):
    """Where a disk is not mounted the backup would lie on another one."""
    done = chengtu(environment(town), "db", "backup", "--to", f"{tmp_path}/{to}")
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert f"There is no folder {tmp_path / lacking}." in told
    assert "Mount the disk" in told
    assert not (tmp_path / lacking).exists()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotFound):
        look(tmp_path / "none.backup")
