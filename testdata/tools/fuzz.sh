#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time, one after the other; each
# package is built once for all of its own. What a target finds stands in its package's
# testdata/fuzz, and ends this.
set -euo pipefail
time="${1:-10s}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
corpus="$(go env GOCACHE)/fuzz/$(go list -m)"
grep -rl --include='*_test.go' '^func Fuzz' cmd connectors mask policy recorder server tui | xargs -n1 dirname | sort -u | while read -r dir; do
  go test -c -fuzz . -o "$out/fuzz.test" "./$dir" </dev/null
  (cd "$dir" && "$out/fuzz.test" -test.list '^Fuzz') | grep '^Fuzz' | while read -r target; do
    echo "== $dir $target"
    (cd "$dir" && "$out/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzminimizetime 1x \
      -test.fuzzcachedir "$corpus/$dir") </dev/null
  done
done
