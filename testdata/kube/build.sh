#!/usr/bin/env bash
# Builds what the tests of the Kubernetes kind run against, once, and prints the
# folder that holds it: kube-apiserver, etcd and kubelet. The folder is outside the
# tree and named after what is built, so that nothing is built again before
# that changes. Two who want it at the same time build it once.
set -euo pipefail
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/sallyport-test"
servers="$cache/kube-$(cat go.mod go.sum | sha256sum | cut -c1-16)"
own="$servers/kubelet-$(cat kubelet/*.go | sha256sum | cut -c1-16)"
mkdir -p "$servers"

build() { # build FILE PACKAGE [LDFLAGS]
  [ -x "$1" ] && return
  echo "building $(basename "$1") (once; kube-apiserver takes minutes)" >&2
  CGO_ENABLED=0 GOFLAGS=-mod=readonly nice go build -trimpath -ldflags "-s -w ${3:-}" -o "$1.new" "$2"
  mv "$1.new" "$1"
}

if ! { [ -x "$servers/etcd" ] && [ -x "$servers/kube-apiserver" ] && [ -x "$own" ]; }; then
  exec 9>"$servers/lock"
  flock 9
  build "$own" ./kubelet
  build "$servers/etcd" go.etcd.io/etcd/server/v3
  version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  build "$servers/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver "-X k8s.io/component-base/version.gitVersion=$version"
fi
printf '%s\n%s\n%s\n' "$servers/etcd" "$servers/kube-apiserver" "$own"
