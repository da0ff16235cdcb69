#!/usr/bin/env bash
# One archive from which a machine without any registry installs everything: build/chengtu-<version>-offline.tar
#   wheels/   every wheel of requirements.txt, by its hash, for this Python and machine, and the product's own with the pages' scripts
#   debs/     PostgreSQL with PostGIS, Python and all that they need, as a folder that apt reads (WHEELHOUSE_DEBS=no: none)
# Run it on the same release of the same system as the machine that it is for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '› %s\n' "$*" >&2; }

stop() { # stop SENTENCE HINT
  printf 'Error: %s\nHint: %s\n' "$1" "$2" >&2
  exit 2
}

DEBIAN_PACKAGES=(postgresql-15 postgresql-15-postgis-3 python3 python3-venv)
python=.venv/bin/python
version=$("$python" -c 'from app.version import version; print(version())')
name=chengtu-$version-offline
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=$work/$name
mkdir -p "$place/wheels" build

quietly() { # quietly SENTENCE COMMAND…: its words are shown only where it fails
  local told=$1
  shift
  if ! "$@" >"$work/log" 2>&1; then
    tail -n 8 "$work/log" >&2
    stop "$told" "Check that the package registries are reachable from here; this machine has to, the other one has not."
  fi
}

collect_wheels() {
  say "Fetching the wheels of requirements.txt …"
  # Kept between two calls: where all are there no registry is asked; the hashes are checked in any case.
  mkdir -p build/wheels
  local fetch=("$python" -m pip download --disable-pip-version-check --require-hashes --no-deps --only-binary :all:
    --find-links build/wheels --requirement requirements.txt --dest "$place/wheels")
  if ! "${fetch[@]}" --no-index >/dev/null 2>&1; then quietly "A wheel could not be fetched." "${fetch[@]}"; fi
  cp -n "$place"/wheels/*.whl build/wheels/
  say "Building the product's wheel …"
  "$python" -m app.web.assets
  quietly "The product's wheel could not be built." \
    env VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv build --wheel --no-build-isolation --offline --out-dir "$work/wheel" .
  cp "$work"/wheel/chengtu-*.whl "$place/wheels/"
}

apt_apart() { # apt as if nothing were installed here: what a machine needs depends on no other
  apt-get -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User="$(id -un)" -o APT::Get::Assume-Yes=true "$@"
}

collect_debs() {
  say "Fetching Debian packages: ${DEBIAN_PACKAGES[*]} and what they need …"
  mkdir -p "$work/archives/partial" "$place/debs"
  : >"$work/status"
  quietly "The Debian packages could not be fetched." apt_apart install --download-only --no-install-recommends "${DEBIAN_PACKAGES[@]}"
  local deb
  for deb in "$work"/archives/*.deb; do mv "$deb" "$place/debs/$(basename "${deb//%3a/_}")"; done
  printf '%s\n' "${DEBIAN_PACKAGES[@]}" >"$place/debs/WANTED"
  (
    cd "$place/debs"
    for deb in *.deb; do
      dpkg-deb --field "$deb"
      printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done >Packages
  )
}

describe() { # what it was made for: install.sh looks at it before it does anything
  "$python" - "$place/wheels" <<'PYTHON'
import platform, re, sys
from pathlib import Path

# A wheel asks for the oldest C library among its tags, the archive for the newest of these.
tags = [re.findall(r"manylinux_2_(\d+)", path.name) for path in Path(sys.argv[1]).glob("*.whl")]
print(f"PYTHON={sys.version_info[0]}.{sys.version_info[1]}")
print(f"MACHINE={platform.machine()}")
print(f"GLIBC=2.{max(min(map(int, found)) for found in tags if found)}")
PYTHON
  # shellcheck source=/dev/null
  (. /etc/os-release && printf 'SYSTEM=%s-%s\n' "$ID" "${VERSION_CODENAME:-$VERSION_ID}")
  printf 'VERSION=%s\n' "$version"
}

pack() {
  cp deploy/offline/install.sh deploy/offline/README.md deploy/offline/README.zh.md requirements.txt LICENSE "$place/"
  cp deploy/chengtu.service deploy/chengtu-database.service deploy/chengtu.env "$place/"
  chmod 755 "$place/install.sh"
  describe >"$place/PLATFORM"
  (cd "$place" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$work/sums"
  mv "$work/sums" "$place/SHA256SUMS"
  # The same contents make the same bytes.
  tar --create --file "build/$name.tar.new" --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner \
    --mode=u+rw,go+r-w --mtime=@0 "$name"
  mv "build/$name.tar.new" "build/$name.tar"
  (cd build && sha256sum "$name.tar" >"$name.tar.sha256")
}

collect_wheels
if [[ ${WHEELHOUSE_DEBS:-yes} == no ]]; then
  say "Without Debian packages, as WHEELHOUSE_DEBS=no says."
elif command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  collect_debs
else
  say "This machine has no apt: the archive holds no Debian packages."
fi
pack
say "build/$name.tar: $(find "$place/wheels" -name '*.whl' | wc -l) wheels, $(find "$place" -name '*.deb' | wc -l) Debian packages, $(du -m "build/$name.tar" | cut -f1) MB, for $(tr '\n' ' ' <"$place/PLATFORM")"
say "Take build/$name.tar.sha256 along another way, and compare it there."
