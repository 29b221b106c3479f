//go:build !race

package http

// large is the size of a large answer, in bytes.
const large = 1 << 30
