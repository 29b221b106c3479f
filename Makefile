# Sallyport. `make help` lists what there is.
SHELL := /bin/bash
GO ?= go
# Time for each fuzz target, and for `make bench`.
FUZZTIME ?= 10m
BENCHTIME ?= 1s
TOOL = $(GO) tool -modfile=testdata/tools/go.mod
ARGS ?=
# The tests that run a kind's suite, and where they are.
SUITES = ^Test(Suite|Conformance)
SUITED = ./connectors/... ./cmd/sallyport/demo

.PHONY: help demo build compile test suite race lint fuzz crash tamper big bench golden gallery check

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## a complete bastion on loopback (ARGS='--listen ... --data ...')
	$(GO) run ./cmd/sallyport demo $(ARGS)

build: ## ./sallyport, without symbols and without this machine's paths
	$(GO) build -buildvcs=auto -trimpath -ldflags '-s -w' -o sallyport ./cmd/sallyport

compile: ## every package, with and without a C compiler
	$(GO) build ./...
	CGO_ENABLED=0 $(GO) build ./...

test: ## all tests; installs and starts what they need
	bash testdata/tools/need.sh
	$(GO) test ./...

suite: ## what each kind of target promises, proved, as a table
	@bash testdata/tools/need.sh
	@set -o pipefail; $(GO) test -json -run '$(SUITES)' $(SUITED) | $(GO) run ./connectors/connectortest/suitetable $(ARGS) testdata/suite.md

# -short leaves out repetitions of what one goroutine computes, which the detector
# has nothing to see in; `make test` has them all. `make lint` vets.
race: ## the tests under the race detector (needs a C compiler)
	bash testdata/tools/need.sh race
	$(GO) test -race -short -vet=off -timeout 30m ./...

lint: ## vet and staticcheck
	$(GO) vet ./...
	CGO_ENABLED=0 $(GO) vet ./...
	$(TOOL) staticcheck ./...
	@test -z "$$(gofmt -l cmd connectors mask policy recorder server tui)" || { gofmt -l . ; exit 1; }

fuzz: ## every fuzz target for FUZZTIME
	bash testdata/tools/fuzz.sh $(FUZZTIME)

crash: ## 200 kills of a recorder under 50 busy sessions
	SALLYPORT_CRASH_ROUNDS=200 $(GO) test ./recorder -run TestCrash -count=1 -v -timeout 1h

tamper: ## every byte of a small data directory changed, one at a time
	SALLYPORT_TAMPER_ALL=1 $(GO) test ./recorder -run TestTamperDirectory -count=1 -v -timeout 1h

big: ## 1 GiB by scp and sftp, and into a container, with equal hash, and as an answer of every kind
	SALLYPORT_BIG=1 $(GO) test ./cmd/sallyport ./connectors/kubernetes -run TestFilesGigabyte -count=1 -v -timeout 1h
	SALLYPORT_BIG=1 $(GO) test $(SUITED) -run '$(SUITES)/./^bounded_memory' -count=1 -timeout 1h

bench: ## speeds, as ratios against a peer in the same run
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

golden: ## draw the golden screens anew
	$(GO) test ./tui/... -update

gallery: ## draw the README's pictures anew (needs the DejaVu fonts)
	SALLYPORT_GALLERY=1 $(GO) test ./cmd/sallyport -count=1 -run TestGallery

check: ## what CI runs
	bash .ci/run
