#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time, one after the other; each
# package is built once for all of its own. What a target finds stands in its package's
# testdata/fuzz, and ends this.
set -euo pipefail
time="${1:-10s}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
corpus="$(go env GOCACHE)/fuzz/$(go list -m)"

# target fuzzes one of them. The end of its time is sometimes taken for a fault by the
# coordinator of Go itself, which then found nothing and says so in these words alone:
# that is tried again.
target() {
  for _ in 1 2 3; do
    "$out/fuzz.test" -test.run '^$' -test.fuzz "^$1\$" -test.fuzztime "$time" -test.fuzzminimizetime 1x \
      -test.fuzzcachedir "$corpus/$2" </dev/null | tee "$out/said" && return
    grep -q '^ *context deadline exceeded$' "$out/said" && ! grep -q 'Failing input' "$out/said" || return 1
  done
  return 1
}

grep -rl --include='*_test.go' '^func Fuzz' cmd connectors mask policy recorder server tui | xargs -n1 dirname | sort -u | while read -r dir; do
  go test -c -fuzz . -o "$out/fuzz.test" "./$dir" </dev/null
  (cd "$dir" && "$out/fuzz.test" -test.list '^Fuzz') | grep '^Fuzz' | while read -r name; do
    echo "== $dir $name"
    (cd "$dir" && target "$name" "$dir")
  done
done
