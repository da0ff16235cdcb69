#!/usr/bin/env bash
# Proves the archive of `make wheelhouse`: unpacked in an empty folder and installed with all networks cut, it serves a city.
#   scripts/check_wheelhouse.sh            on this machine, with its PostGIS and Python
#   scripts/check_wheelhouse.sh ROOTFS     in a copy of a bare Debian (debootstrap --variant=minbase bookworm ROOTFS), with its
#                                          Debian packages and its service; as root
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
archive=$(find build -maxdepth 1 -name 'chengtu-*-offline.tar' | sort -V | tail -n 1)
[[ -n $archive ]] || { printf 'Error: There is no archive.\nHint: make wheelhouse\n' >&2; exit 2; }
archive=$PWD/$archive
rootfs=${1:-}
work=$(mktemp -d /tmp/chengtu-offline-XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# What is done once no network is left; it is given to a shell that inherits nothing.
inside() {
  cat <<'SH'
set -euo pipefail
ip link set lo up 2>/dev/null || true  # in a bare system, which has no `ip`, it is up already
! timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>/dev/null || { echo 'The network is not cut.' >&2; exit 1; }
cd "$WORK"
tar -xf "$ARCHIVE"
cd chengtu-*-offline
# A file that was changed is refused.
cp requirements.txt "$WORK/kept"; echo '#' >>requirements.txt
if ./install.sh --to "$TARGET" "$@" 2>"$WORK/refused"; then echo 'A changed file was not seen.' >&2; exit 1; fi
grep -q 'damaged or was changed' "$WORK/refused"
cp "$WORK/kept" requirements.txt
./install.sh --to "$TARGET" "$@"
"$CHENGTU" --version
"$CHENGTU" db start
trap '"$CHENGTU" db stop' EXIT
"$CHENGTU" sample load --size town
"$CHENGTU" coverage toilet-300 >/dev/null
"$CHENGTU" check || true
PORT=18642 "$CHENGTU" serve & server=$!
trap 'kill -TERM $server 2>/dev/null; wait $server || true; "$CHENGTU" db stop' EXIT
"$TARGET/bin/python" - <<'PYTHON'
import json, time, urllib.error, urllib.request
for path in ("/health", "/ready", "/collections/toilets/items?limit=1", "/static/vendor/leaflet/leaflet.js", "/map/toilets"):
    for attempt in range(120):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:18642{path}", timeout=10) as reply:
                print(reply.status, len(reply.read()), path)
            break
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.5)
    else:
        raise SystemExit(f"{path} was not answered")
PYTHON
SH
}

if [[ -z $rootfs ]]; then
  # With processes of its own, all of which end with it.
  cut=(unshare --net --pid --fork --kill-child --mount-proc)
  [[ $(id -u) -eq 0 ]] || cut+=(--map-root-user)
  inside >"$work/inside"
  "${cut[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$work" LANG=C.UTF-8 PIP_NO_INDEX=1 CHENGTU_HOME="$work/home" \
    WORK="$work" ARCHIVE="$archive" TARGET="$work/program" CHENGTU="$work/program/bin/chengtu" \
    bash "$work/inside" --no-system-packages
else
  cp -a "$rootfs" "$work/bare"
  mkdir -p "$work/bare/unpacked"
  inside >"$work/bare/inside"
  ln "$archive" "$work/bare/offline.tar" 2>/dev/null || cp "$archive" "$work/bare/offline.tar"
  # shellcheck disable=SC2016 # expanded by the shell inside
  unshare --net --mount --pid --fork --kill-child env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin ROOT="$work/bare" sh -c '
    ip link set lo up && mount --make-rprivate / && mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev" &&
    mount -t tmpfs tmpfs "$ROOT/tmp" &&
    exec chroot "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 WORK=/unpacked \
      ARCHIVE=/offline.tar TARGET=/opt/chengtu CHENGTU=/usr/local/bin/chengtu bash /inside --service'
fi
echo "✓ $(basename "$archive") installs and serves without a network."
