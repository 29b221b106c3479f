#!/usr/bin/env bash
# Builds what the tests of the kind mongodb run against, once, and prints its path:
# FerretDB, which speaks MongoDB's wire protocol over SQLite, and is not MongoDB. The
# file is outside the tree and named after what is built, so that it is not built again
# before that changes. Two who want it at the same time build it once.
set -euo pipefail
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/sallyport-test"
dir="$cache/ferret-$(cat go.mod go.sum build.sh | sha256sum | cut -c1-16)"
mkdir -p "$dir"

if ! [ -x "$dir/ferretdb" ]; then
  exec 9>"$dir/lock"
  flock 9
  if ! [ -x "$dir/ferretdb" ]; then
    echo "building ferretdb (once; it takes about a minute)" >&2
    export GOFLAGS=-mod=readonly CGO_ENABLED=0
    go mod download github.com/FerretDB/FerretDB
    module=$(go list -m -f '{{.Dir}}' github.com/FerretDB/FerretDB)
    version=$(go list -m -f '{{.Version}}' github.com/FerretDB/FerretDB)
    trap 'rm -rf "$dir/source"' EXIT
    # Its version is in a file that it embeds and that the module lacks.
    rm -rf "$dir/source"
    cp -r "$module" "$dir/source"
    chmod -R u+w "$dir/source"
    printf '%s\n' "$version" >"$dir/source/build/version/version.txt"
    (cd "$dir/source" && nice go build -trimpath -buildvcs=false -tags ferretdb_no_postgresql -ldflags "-s -w" -o "$dir/ferretdb.new" ./cmd/ferretdb)
    mv "$dir/ferretdb.new" "$dir/ferretdb"
  fi
fi
printf '%s\n' "$dir/ferretdb"
