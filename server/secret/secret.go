package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/mask"
)

// MaxSize bounds a secret, in bytes.
const MaxSize = 64 << 10

// Sentinels that errors of New and Get wrap.
var (
	// ErrMissing: there is no such variable or file, or it is empty.
	ErrMissing = errors.New("the secret is missing")
	// ErrUnsafe: others than this process's user could read or replace the file.
	ErrUnsafe = errors.New("the secret's file is not private")
	// ErrUnreadable: the file is there and cannot be read as a secret.
	ErrUnreadable = errors.New("the secret cannot be read")
)

// Source fetches one secret. It is safe for concurrent use.
type Source interface {
	// Get returns the secret as it is now; its bytes are the caller's own to
	// destroy. Errors wrap a sentinel of this package or ctx's error, name the
	// reference and what it is for, and hold nothing of a value.
	Get(ctx context.Context) (mask.Secret, error)
}

// taken holds what was read from the environment, by name. The environment is
// the process's own and a variable can be read from it only once, while several
// references, or a configuration that is read anew, may name the same: so this
// is the process's, too.
var taken = struct {
	sync.Mutex
	values map[string][]byte
}{values: map[string][]byte{}}

// New returns the source that a reference names: exactly one of env, a
// variable's name, and file, a path, is given. what says what it is for, to
// begin errors with: resource orders-db. A variable is read now, once for the
// process, and removed from the environment; that it is not set is an error
// here. A file is looked at by Get. It is safe for concurrent use.
func New(what, env, file string) (Source, error) {
	switch {
	case env != "" && file != "":
		return nil, fmt.Errorf("%s: a secret is given by env or by file, not both", what)
	case env != "":
		value, err := take(env)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return &variable{value}, nil
	case file != "":
		return &fileSource{what, file}, nil
	}
	return nil, fmt.Errorf("%s: a secret is given by reference: env: NAME or file: PATH", what)
}

// take reads a variable and removes it from the environment.
func take(name string) ([]byte, error) {
	taken.Lock()
	defer taken.Unlock()
	value, set := os.LookupEnv(name)
	if set {
		// Removed whatever it holds. One set anew, which only this process can have
		// done, replaces what was read before.
		if err := os.Unsetenv(name); err != nil {
			return nil, fmt.Errorf("remove environment variable %q: %w", name, err)
		}
	}
	switch old, known := taken.values[name]; {
	case !set && known:
		return old, nil
	case !set:
		return nil, fmt.Errorf("environment variable %q is not set; set it where the bastion is started: %w", name, ErrMissing)
	case value == "":
		return nil, fmt.Errorf("environment variable %q is empty: %w", name, ErrMissing)
	case len(value) > MaxSize:
		return nil, fmt.Errorf("environment variable %q holds more than %d bytes: %w", name, MaxSize, ErrUnreadable)
	}
	taken.values[name] = []byte(value)
	return taken.values[name], nil
}

// variable is a secret that was taken from the environment.
type variable struct{ value []byte }

var _ Source = (*variable)(nil)

// Get returns a copy.
func (v *variable) Get(ctx context.Context) (mask.Secret, error) {
	if err := ctx.Err(); err != nil {
		return mask.Secret{}, err
	}
	return mask.NewSecret(slices.Clone(v.value)), nil
}
