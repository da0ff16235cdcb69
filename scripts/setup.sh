#!/usr/bin/env bash
# Makes this folder ready: PostGIS, Python packages, map assets; quick when nothing has changed.
#   scripts/setup.sh run    what `make run` needs
#   scripts/setup.sh test   also what the tests need (Chromium, GDAL's tools, QGIS, fonts)
#   scripts/setup.sh check  what `make check` needs (all but the tests' tools)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
level=${1:-run}
venv=.venv
updated=

say() { printf '› %s\n' "$*" >&2; }

stop() {  # stop SENTENCE HINT
  printf 'Error: %s\nHint: %s\n' "$1" "$2" >&2
  exit 2
}

# --- A taken port is told before anything slow -------------------------------------------------------------------

check_port() {
  local port=${PORT:-8000}
  [[ $port =~ ^[0-9]{1,5}$ ]] || stop "PORT=$port is not a port number." "Unset PORT, or set it to 1-65535."
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    stop "Port $port is taken by another program." "Choose another one, for example: make run PORT=$((port % 65535 + 1))"
  fi
}

# --- Debian packages ---------------------------------------------------------------------------------------------

apt_install() {  # apt_install PACKAGE…
  local as_root=()
  command -v apt-get >/dev/null || stop "This machine lacks: $*." "Install it with your system's package manager, then try again."
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || stop "This machine lacks: $*." "As root: apt-get install --no-install-recommends $*"
    as_root=(sudo)
  fi
  say "Installing $* …"
  local log
  log=$(mktemp)
  if [[ -z $updated ]]; then
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1 || say "apt-get update failed; trying with the lists at hand."
    updated=1
  fi
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    stop "apt-get could not install: $*." "The full log is $log; as root: apt-get install $*"
  fi
  rm -f "$log"
}

has_postgis() {
  local control
  for control in /usr/share/postgresql/*/extension/postgis.control; do
    [[ -e $control ]] || continue
    control=${control%/extension/postgis.control}
    [[ -x /usr/lib/postgresql/${control##*/}/bin/initdb ]] && return 0
  done
  return 1
}

need_postgis() {
  if [[ -n ${DATABASE_URL:-} ]] || has_postgis; then return 0; fi
  apt_install postgresql postgresql-postgis
}

need_test_tools() {
  local missing=()
  # The shell alone draws pages as the browser does; who has the browser needs nothing more.
  command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || missing+=(chromium-headless-shell)
  command -v ogr2ogr >/dev/null || missing+=(gdal-bin)
  [[ -d /usr/lib/python3/dist-packages/qgis ]] || missing+=(python3-qgis)
  compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null || missing+=(fonts-noto-cjk)
  if ! has_postgis; then missing+=(postgresql postgresql-postgis); fi  # the tests bring their own cluster
  if [[ ${#missing[@]} -gt 0 ]]; then apt_install "${missing[@]}"; fi
}

# --- Python ------------------------------------------------------------------------------------------------------

find_python() { # find_python [MODULES]: one that fits, and has these modules; one that is named need not have them
  local candidate modules
  # The system's own first: it is compiled with a profile, which version managers leave out (twice the time for the same).
  for candidate in "${PYTHON:-}" /usr/bin/python3.1{3,2,1} python3.1{3,2,1} python3; do
    [[ -n $candidate ]] && command -v "$candidate" >/dev/null || continue
    modules=${1:-sys}
    if [[ $candidate == "${PYTHON:-}" ]]; then modules=sys; fi
    if "$candidate" -c "import $modules, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null; then
      printf '%s' "$candidate"
      return 0
    fi
  done
  return 1
}

make_venv() {
  local python
  if [[ -x $venv/bin/python ]] && "$venv/bin/python" -c 'import pip' 2>/dev/null; then return 0; fi
  # Better one that needs nothing more than the system's own that does.
  if ! python=$(find_python ensurepip,venv || find_python); then
    apt_install python3 python3-venv
    python=$(find_python) || stop "Python 3.11, 3.12 or 3.13 is needed." "Install one and name it: PYTHON=/path/to/python3.11 make run"
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Of /usr/bin/python3.11: python3.11-venv.
    case ${python##*/} in python3*) apt_install "${python##*/}-venv" ;; *) apt_install python3-venv ;; esac
  fi
  say "Making $venv with $("$python" --version) …"
  rm -rf "$venv"
  "$python" -m venv "$venv"
}

pip_log() { # pip_log COMMAND…: quiet, but the last lines where it fails
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 8 "$log" >&2
    stop "The Python packages could not be installed." "Check that the package index is reachable; the full log is $log"
  fi
  rm -f "$log"
}

install_packages() {
  local lock=$1
  say "Installing Python packages from $lock …"
  if ! "$venv/bin/uv" --version >/dev/null 2>&1; then
    pip_log "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
  fi
  # Compiled once here: where Python may not keep what it compiles, every command would take seconds longer to start.
  pip_log env VIRTUAL_ENV="$PWD/$venv" "$venv/bin/uv" pip install --compile-bytecode --require-hashes -r "$lock"
  pip_log env VIRTUAL_ENV="$PWD/$venv" "$venv/bin/uv" pip install --no-deps --no-index --no-build-isolation -e .
}

# --- All together: a stamp says what the last run was made from ---------------------------------------------------

fingerprint() {  # the folder is part of it: a virtual environment that was moved does not work
  {
    pwd -P
    cat scripts/setup.sh "$1" requirements-uv.txt pyproject.toml
  } | sha256sum | cut -d' ' -f1
}

need_packages() {
  local lock=$1 stamp=$venv/.stamp-$2 now
  now=$(fingerprint "$lock")
  if [[ -x $venv/bin/chengtu && -f $stamp && $(<"$stamp") == "$now" ]]; then return 0; fi
  make_venv
  install_packages "$lock"
  printf '%s\n' "$now" >"$stamp"
}

case $level in
  run)
    check_port
    need_packages requirements.txt run
    need_postgis
    ;;
  test)
    need_packages requirements-dev.txt dev
    need_test_tools
    ;;
  check)
    need_packages requirements-dev.txt dev
    need_postgis  # the laws run the README's commands
    ;;
  *) stop "There is no set-up for '$level'." "Use run, test or check." ;;
esac
# Where Python may not keep what it compiles, whatever was changed since would be compiled again by every command.
"$venv/bin/python" -m compileall -q app bench migrations
"$venv/bin/python" -m app.web.assets
