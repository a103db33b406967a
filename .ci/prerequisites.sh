# Sourced by run, test and .ci/run: installs what this machine lacks, and nothing else.
# Expects the working directory to be the root of the repository.

web=examples/meeting/web
e2e=examples/meeting/tests

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "needs root or sudo for: $*" >&2
    return 1
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE...: installs Debian packages quietly; the output is shown only when it fails.
apt_install() {
  [ $# -gt 0 ] || return 0
  if ! has apt-get; then
    echo "please install the equivalents of these Debian packages: $*" >&2
    return 1
  fi
  echo "installing $*"
  local log
  log=$(mktemp)
  if ! { as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

need_toolchains() {
  has cargo || { echo "Rust is missing: https://rustup.rs installs it" >&2; return 1; }
  has node && has npm || { echo "Node.js 20 or later is missing: https://nodejs.org" >&2; return 1; }
  local packages=()
  has cc && has c++ && has make || packages+=(build-essential)
  apt_install "${packages[@]}"
}

# For tests that make a network of their own.
need_network_tools() {
  local packages=()
  has ip && { has tc || [ -x /sbin/tc ]; } || packages+=(iproute2)
  has unshare || packages+=(util-linux)
  apt_install "${packages[@]}"
}

need_browsers() {
  local packages=()
  has chromium || packages+=(chromium)
  has firefox-esr || packages+=(firefox-esr)
  [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv)
  has fc-list && [ -n "$(fc-list : family 2>/dev/null)" ] || packages+=(fontconfig fonts-liberation)
  apt_install "${packages[@]}"
}

# npm_install FOLDER: exactly what the lock file says, when it has changed since the last time.
npm_install() {
  local stamp=$1/node_modules/.plenum-lock
  cmp -s "$1/package-lock.json" "$stamp" && return 0
  echo "installing the packages of $1"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) && cp "$1/package-lock.json" "$stamp"
}

# The web client is built before the server, which carries it inside.
build_web_client() {
  npm_install "$web" || return 1
  local page=$web/dist/index.html
  if [ -f "$page" ] && [ -z "$(find "$web" -path "$web/node_modules" -prune -o -path "$web/dist" -prune -o -type f -newer "$page" -print -quit)" ]; then
    return 0
  fi
  echo "building the web client"
  (cd "$web" && npm run --silent build)
}

need_gstreamer() {
  /usr/bin/python3 -c '
import gi
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst
Gst.init(None)
names = "webrtcbin nicesrc vp8enc rtpvp8pay opusenc opusdec videotestsrc audiotestsrc".split()
raise SystemExit(not all(map(Gst.ElementFactory.find, names)))' 2>/dev/null ||
    apt_install openssl python3-gi gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0 \
      gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
}

need_aiortc() {
  local venv=$e2e/.venv
  cmp -s "$e2e/requirements.txt" "$venv/.plenum-requirements" && return 0
  echo "installing the Python participant"
  /usr/bin/python3 -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$e2e/requirements.txt" &&
    cp "$e2e/requirements.txt" "$venv/.plenum-requirements"
}
