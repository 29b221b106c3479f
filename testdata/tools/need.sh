#!/usr/bin/env bash
# Installs what the tests need and what is missing: a PostgreSQL, a MariaDB, a ClickHouse and a Redis server, the
# OpenSSH client and server programs, a small X server with two clients, curl, nginx, asciinema, and Node.js 20 or newer for the second
# OpenID provider and for asciinema's web player. Servers are started by the tests themselves, on loopback and
# Unix sockets; nothing that is installed here is left running.
set -euo pipefail

missing=()
need() { # need PROGRAM PACKAGE
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing+=("$2")
}
need ssh openssh-client
need ssh-keygen openssh-client
need sshd openssh-server
need curl curl
need vim vim
need top procps
need htop htop
need less less
need Xvfb xvfb
need xauth xauth
need xdpyinfo x11-utils
need asciinema asciinema
need nginx nginx-light
need busybox busybox
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null 2>&1 || missing+=(postgresql)
need mariadbd mariadb-server
need redis-server redis-server
need clickhouse-server clickhouse-server
need npm npm
need node nodejs
[ "${1:-}" = race ] && need gcc gcc && { [ -e /usr/include/stdlib.h ] || missing+=(libc6-dev); }

if [ ${#missing[@]} -gt 0 ]; then
  sudo=()
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "missing for the tests: ${missing[*]}" >&2
      echo "hint: sudo apt-get install ${missing[*]}" >&2
      exit 1
    fi
    sudo=(sudo -n)
  fi
  # Packages of servers start them; the tests start their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
    "${sudo[@]}" chmod 755 $policy
    trap '"${sudo[@]}" rm -f $policy' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The second OpenID provider needs Node.js 20; Debian 12 has 18. The npm package
# "node" carries a newer one.
if ! node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null; then
  cache="${XDG_CACHE_HOME:-$HOME/.cache}/sallyport-test/node"
  [ -x "$cache/node_modules/node/bin/node" ] || npm install --silent --no-fund --no-audit --prefix "$cache" node@22
fi

# asciinema of Debian 12 plays casts of version 2; the web player those of version 3.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/sallyport-test/asciinema"
[ -d "$cache/node_modules/asciinema-player" ] || npm install --silent --no-fund --no-audit --prefix "$cache" asciinema-player@3.18.0
# The API server of Kubernetes, etcd and a small kubelet, built from modules: minutes
# of work the first time, none after it.
"$(dirname "$0")/../kube/build.sh" >/dev/null
# FerretDB, which speaks MongoDB's protocol: less than a minute the first time.
"$(dirname "$0")/../ferret/build.sh" >/dev/null
