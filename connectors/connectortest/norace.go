//go:build !race

package connectortest

// largeBytes is the size of a large answer.
const largeBytes = 64 << 20
