//go:build linux && cgo && !race && (amd64 || arm64)

package postgres

// addressSpace bounds a worker's virtual memory, of which Go's runtime reserves
// far more than it uses.
const addressSpace = 4 << 30
