//go:build race

package http

// large is the size of a large answer, in bytes: the race detector is slow.
const large = 32 << 20
