#!/usr/bin/env bash
# Installs Chengtu from this folder alone: no registry, no network.
#   ./install.sh [--to FOLDER] [--service] [--no-system-packages]
#     --to FOLDER            where the program goes (default: /opt/chengtu)
#     --service              also make the user `chengtu`, its data folder and the systemd services
#     --no-system-packages   PostgreSQL with PostGIS and Python are there already, or on another machine
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
target=/opt/chengtu
service=
system_packages=yes

say() { printf '› %s\n' "$*" >&2; }

stop() { # stop SENTENCE HINT
  printf 'Error: %s\nHint: %s\n' "$1" "$2" >&2
  exit 2
}

while [[ $# -gt 0 ]]; do
  case $1 in
    --to) target=${2:?--to needs a folder} && shift 2 ;;
    --service) service=yes && shift ;;
    --no-system-packages) system_packages= && shift ;;
    --help | -h) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) stop "There is no option '$1'." "Use --to FOLDER, --service or --no-system-packages." ;;
  esac
done

tell() { sed -n "s/^$1=//p" "$here/PLATFORM"; }

# --- Is it whole, and for this machine? ---------------------------------------------------------------------------

check_files() {
  say "Checking every file …"
  (cd "$here" && sha256sum --check --strict --quiet SHA256SUMS) ||
    stop "The archive is damaged or was changed." "Copy it again and compare its sum with the .sha256 file that came another way."
  local extra
  extra=$(cd "$here" && find . -type f ! -name SHA256SUMS -print | LC_ALL=C sort |
    LC_ALL=C comm -23 - <(sed -E 's/^[0-9a-f]{64} [ *]//' SHA256SUMS | LC_ALL=C sort))
  [[ -z $extra ]] || stop "There are files that do not belong here: $extra." "Unpack the archive into an empty folder."
}

check_machine() {
  local libc
  [[ $(uname -m) == "$(tell MACHINE)" ]] ||
    stop "This machine is a $(uname -m), the archive is for $(tell MACHINE)." "Make one there: make wheelhouse"
  libc=$(ldd --version 2>/dev/null | sed -n '1s/.* //p')
  [[ $(printf '%s\n%s\n' "$(tell GLIBC)" "$libc" | sort -V | head -n 1) == "$(tell GLIBC)" ]] ||
    stop "The C library here is ${libc:-unknown}, the archive needs $(tell GLIBC)." "Use a newer release of the system."
}

# --- Debian packages ----------------------------------------------------------------------------------------------

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" "/usr/bin/python$(tell PYTHON)" "python$(tell PYTHON)" /usr/bin/python3; do
    if [[ -n $candidate ]] && command -v "$candidate" >/dev/null &&
      [[ $("$candidate" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == "$(tell PYTHON)" ]]; then
      printf '%s' "$candidate"
      return 0
    fi
  done
  return 1
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

install_debs() {
  local apart system
  if has_postgis && find_python >/dev/null; then return 0; fi
  [[ -d $here/debs ]] || stop "This machine lacks PostgreSQL with PostGIS or Python $(tell PYTHON), and the archive brings none." \
    "Install them by the system's own means, or make the archive on a Debian machine."
  # shellcheck source=/dev/null
  system=$(. /etc/os-release && printf '%s-%s' "$ID" "${VERSION_CODENAME:-$VERSION_ID}")
  [[ $system == "$(tell SYSTEM)" ]] || stop "This is $system, the archive's packages are for $(tell SYSTEM)." \
    "Install PostgreSQL with PostGIS and Python $(tell PYTHON) by the system's own means, then use --no-system-packages."
  [[ $(id -u) -eq 0 ]] || stop "Only root can install Debian packages." "Run it as root, or with --no-system-packages."
  say "Installing PostgreSQL with PostGIS, and Python …"
  apart=$(mktemp -d)
  ln -s "$here/debs" "$apart/debs"
  mkdir -p "$apart/lists/partial" "$apart/cache/archives/partial"
  # Their sums were checked above; apt asks this folder and nothing else.
  printf 'deb [trusted=yes] file:%s/debs ./\n' "$apart" >"$apart/sources.list"
  local only=(-o "Dir::Etc::sourcelist=$apart/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apart/lists" -o "Dir::Cache=$apart/cache" -o APT::Sandbox::User=root)
  local wanted
  mapfile -t wanted <"$here/debs/WANTED"
  if ! { apt-get "${only[@]}" update -q &&
    DEBIAN_FRONTEND=noninteractive apt-get "${only[@]}" install -yq --no-install-recommends "${wanted[@]}"; } >"$apart/log" 2>&1; then
    tail -n 8 "$apart/log" >&2
    stop "apt could not install them." "The full log is $apart/log."
  fi
  rm -rf "$apart"
}

# --- The program --------------------------------------------------------------------------------------------------

install_program() {
  local python
  python=$(find_python) || stop "Python $(tell PYTHON) with venv is missing." "Install it, or name it: PYTHON=/path/to/python$(tell PYTHON) ./install.sh"
  say "Installing the program into $target …"
  mkdir -p "$(dirname "$target")"
  # Beside the old one until it is whole: a broken upgrade leaves the old program as it was.
  local fresh="$target.new" pip
  rm -rf "$fresh"
  "$python" -m venv "$fresh"
  # No setting of this machine may send pip elsewhere.
  pip=(env -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u PIP_FIND_LINKS -u PIP_TARGET -u PIP_PREFIX -u PIP_USER
    PIP_CONFIG_FILE=/dev/null "$fresh/bin/python" -m pip --isolated --disable-pip-version-check --quiet install --no-index --no-cache-dir --no-compile)
  "${pip[@]}" --find-links "$here/wheels" --require-hashes --only-binary :all: --requirement "$here/requirements.txt"
  "${pip[@]}" --no-deps "$here"/wheels/chengtu-*.whl
  "$fresh/bin/python" -m pip --isolated --quiet uninstall --yes pip setuptools 2>/dev/null || true
  move "$fresh"
}

move() { # A virtual environment knows its own path: it is moved by telling it the new one.
  grep -rlIF --null -- "$1" "$1/bin" "$1/pyvenv.cfg" | xargs -0 --no-run-if-empty sed -i "s#${1//./\\.}#$target#g"
  rm -rf "$target.old"
  [[ ! -e $target ]] || mv "$target" "$target.old"
  mv "$1" "$target"
  "$target/bin/python" -m compileall -q -j 0 "$target/lib" || true
}

install_service() {
  [[ $(id -u) -eq 0 ]] || stop "Only root can make a service." "Run it as root, or without --service."
  say "Making the user chengtu and the services …"
  id chengtu >/dev/null 2>&1 || useradd --system --user-group --home-dir /var/lib/chengtu --shell /usr/sbin/nologin chengtu
  install -d -o chengtu -g chengtu -m 755 /var/lib/chengtu
  install -d -m 755 /etc/chengtu
  [[ -e /etc/chengtu/chengtu.env ]] || install -m 644 "$here/chengtu.env" /etc/chengtu/chengtu.env
  install -d /etc/systemd/system
  local unit
  for unit in chengtu-database chengtu; do
    sed "s#/opt/chengtu#$target#g" "$here/$unit.service" >"/etc/systemd/system/$unit.service"
  done
  install -d /usr/local/bin
  # As the service's user, with its settings: whoever types `chengtu` means the service's data.
  printf '%s\n' '#!/bin/sh' 'set -a && . /etc/chengtu/chengtu.env && set +a' \
    "exec setpriv --reuid=chengtu --regid=chengtu --init-groups '$target/bin/chengtu' \"\$@\"" >/usr/local/bin/chengtu
  chmod 755 /usr/local/bin/chengtu
  if command -v systemctl >/dev/null; then systemctl daemon-reload 2>/dev/null || true; fi
}

check_files
check_machine
[[ -z $system_packages ]] || install_debs
install_program
[[ -z $service ]] || install_service
say "Chengtu $("$target/bin/chengtu" --version) is in $target."
if [[ -n $service ]]; then
  say "Next: systemctl enable --now chengtu, then chengtu user new NAME --role security (README.md says more)."
else
  say "Next: CHENGTU_HOME=/path/for/data $target/bin/chengtu run"
fi
