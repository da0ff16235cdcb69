"""What is shipped around the program: image, containers, services and the archive for a machine without a network.

Whether they work is proved by `scripts/check_wheelhouse.sh` and by an engine for containers, where there is one.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.laws.code import ROOT, modules, nodes

DEPLOY = ROOT / "deploy"
SCRIPTS = sorted([*(ROOT / "scripts").glob("*.sh"), DEPLOY / "offline" / "install.sh"])
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
UNITS = sorted(DEPLOY.glob("*.service"))
#: One word of these in a variable's name, and its value would be a secret.
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY\b", re.IGNORECASE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound(path):
    text = path.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(path)], check=True)
    if shutil.which("shellcheck"):
        done = subprocess.run(
            ["shellcheck", "--severity=warning", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_archive_holds_what_its_installer_asks_for():
    pack = (ROOT / "scripts" / "wheelhouse.sh").read_text(encoding="utf-8")
    install = (DEPLOY / "offline" / "install.sh").read_text(encoding="utf-8")
    for name in re.findall(r"deploy/[\w./-]+", pack):
        assert (ROOT / name).is_file(), name
    packed = {name.rsplit("/", 1)[-1] for name in re.findall(r"deploy/[\w./-]+|requirements\.txt", pack)}
    asked = set(re.findall(r'"\$here/((?!debs|wheels|PLATFORM|\$)[\w.]+)"', install))
    assert asked, "the pattern finds nothing"
    assert asked <= packed
    assert {f"{unit}.service" for unit in ("chengtu-database", "chengtu")} <= packed
    for word in ("MACHINE", "PYTHON", "GLIBC", "SYSTEM"):
        assert f"tell {word}" in install
        assert f"{word}=" in pack


def test_the_installer_checks_everything_first_and_asks_nobody_else():
    install = (DEPLOY / "offline" / "install.sh").read_text(encoding="utf-8")
    order = re.findall(r"^(?:\[\[.*\]\] \|\| )?(check_\w+|install_\w+)$", install, re.MULTILINE)
    assert order == ["check_files", "check_machine", "install_debs", "install_program", "install_service"]
    assert "--no-index" in install
    assert "--require-hashes" in install
    assert "PIP_CONFIG_FILE=/dev/null" in install
    assert not re.search(r"\b(curl|wget)\b|https?://", install.replace("http://127.0.0.1", ""))


# --- The image ----------------------------------------------------------------------------------------------------

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_is_built_from_one_release_and_runs_as_nobody():
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users[-1:] == ["10001:10001"]
    assert DOCKERFILE.index("USER 10001") > DOCKERFILE.rindex("RUN ")
    assert "HEALTHCHECK" in DOCKERFILE
    assert "--require-hashes -r requirements.txt" in DOCKERFILE


def test_the_image_and_the_composition_pass_the_linters_of_their_kinds():
    """hadolint reads the Dockerfile; the compose file is held against the schema of its specification."""
    # Debian's own packages: the release is pinned, and within it the newest security fix is wanted.
    hadolint = ["hadolint", "--ignore", "DL3008", "Dockerfile"]
    schema = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    for command in (hadolint, schema):
        program = Path(sys.executable).parent / command[0]
        done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_goes_into_the_image():
    named = re.findall(r"^(?:ARG|ENV|\s+)\s*(\w+)=", DOCKERFILE, re.MULTILINE)
    assert named
    assert [name for name in named if SECRET.search(name)] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".data*", ".venv", "build", "tests"} <= set(ignored)


# --- The containers -----------------------------------------------------------------------------------------------


def test_no_password_stands_in_the_composition():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"://[^/\s:]+:[^{/\s]+@", text)
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            assert not SECRET.search(variable) or variable.endswith("_FILE"), f"{name}: {variable}={value}"


def test_the_served_container_never_holds_the_administrators_password():
    """`setup` alone does, for as long as it runs; whoever breaks into the pages finds none."""
    holders = {
        name for name, one in SERVICES.items() if any("secrets:" in each for each in one.get("volumes", []))
    }
    assert holders == {"secrets", "database", "setup"}
    assert SERVICES["chengtu"]["environment"]["DATABASE_URL"] == "postgresql://database:5432/chengtu"
    for name in holders - {"database"}:
        assert SERVICES[name]["restart"] == "no"
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_is_held(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= {
        "database": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}, "proxy": {"NET_BIND_SERVICE"},
    }.get(name, set())  # fmt: skip
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert re.search(r":\w*[\d.]+|:local$", service["image"]), service["image"]
    assert not service.get("privileged")


def test_only_the_proxy_is_reached_from_outside():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), f"{name}: {port}"
    assert SERVICES["proxy"]["profiles"] == ["tls"]
    assert SERVICES["proxy"]["depends_on"]["named"] == {"condition": "service_completed_successfully"}
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert SERVICES["database"]["networks"] == ["back"]


def test_the_proxy_alone_is_believed():
    address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    assert SERVICES["chengtu"]["environment"]["CHENGTU_TRUSTED_PROXIES"] == address
    told = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert "header_up X-Forwarded-For {remote_host}" in told
    assert "health_uri /ready" in told


# --- The services of a machine ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_service_is_held(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for held in (
        "User=chengtu", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes",
        "EnvironmentFile=/etc/chengtu/chengtu.env", "SystemCallArchitectures=native",
    ):  # fmt: skip
        assert held in lines
    if shutil.which("systemd-analyze"):
        unit = tmp_path / path.name
        unit.write_text(text.replace("/opt/chengtu/bin/chengtu", "/bin/true"), encoding="utf-8")
        done = subprocess.run(
            ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
        )
        assert [line for line in done.stderr.splitlines() if path.name in line] == []


# --- The program --------------------------------------------------------------------------------------------------


def test_no_markup_of_foliums_own_shows_data():
    """Folium's popups take text as markup; what our pages show goes through templates and scripts that escape it."""
    risky = {"Popup", "Tooltip", "IFrame", "DivIcon", "GeoJsonPopup", "GeoJsonTooltip"}
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in risky
    ]
    assert found == []
