//go:build !(linux && cgo && !race && (amd64 || arm64))

package postgres

// addressSpace is not bounded where the parser is WebAssembly or the race
// detector is on: both reserve more address space than a limit could allow.
const addressSpace = 0
