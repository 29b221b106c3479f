//go:build race

package connectortest

// largeBytes is the size of a large answer: the race detector is slow. It is more than
// may be held all the same.
const largeBytes = 32 << 20
