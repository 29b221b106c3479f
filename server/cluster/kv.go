// Package cluster answers: what do the nodes of one bastion agree on?
//
// Approvals, remembered keys and live sessions are kept behind KV, four methods
// with compare-and-swap. A single node is a cluster of one (boltkv).
package cluster

import (
	"context"
	"errors"
)

var (
	// ErrNotFound: the key does not exist.
	ErrNotFound = errors.New("key not found")
	// ErrConflict: the key's version is not the expected one.
	ErrConflict = errors.New("key was changed by someone else")
	// ErrInUse: another process has the state open.
	ErrInUse = errors.New("the state is in use by a running bastion")
)

// Version numbers a key's values, from 1; 0 means that the key does not exist.
type Version uint64

// Entry is a key, its value and version. Value is the caller's to keep.
type Entry struct {
	Key     string
	Value   []byte
	Version Version
}

// KV is the shared state. Implementations pass kvtest and are safe for
// concurrent use.
type KV interface {
	// Get returns a key's entry or ErrNotFound.
	Get(ctx context.Context, key string) (Entry, error)
	// Put stores value if the key's version is expect (0: it must not exist), and
	// returns the new version; ErrConflict otherwise. A nil value deletes the key.
	// It is durable when Put returns.
	Put(ctx context.Context, key string, value []byte, expect Version) (Version, error)
	// List returns all entries whose key has the prefix, in order of key.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Watch returns a channel that is signalled (one slot, coalescing) after any
	// key with the prefix changed. It is closed when ctx ends.
	Watch(ctx context.Context, prefix string) <-chan struct{}
	// Close releases the state.
	Close() error
}
