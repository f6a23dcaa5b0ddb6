#!/bin/sh
# Installs what the tests run against: nginx with njs, Apache httpd, Lua, openssl, curl, and Python with the openai and httpx packages.
# On Debian as root it installs; elsewhere it says what is missing and goes on: tests then say "not run" (under CI they fail).
set -eu
cd "$(dirname "$0")/.."

missing=""
[ -x /usr/sbin/nginx ] && [ -e /usr/lib/nginx/modules/ngx_http_js_module.so ] || missing="$missing nginx libnginx-mod-http-js"
[ -x /usr/sbin/apache2 ] || missing="$missing apache2"
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
