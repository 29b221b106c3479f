//go:build unix

package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ChildArgument is the one argument with which the binary runs itself to become a
// declared program. The composition root looks for it before anything else.
const ChildArgument = "command-child"

// File descriptors of a child, behind the standard ones.
const (
	specFD   = 3 // what to become; the program finds its secret here, or nothing
	statusFD = 4 // silence is success
	secretFD = 5 // where there is a secret
)

// spec is what a child becomes.
type spec struct {
	Argv, Env []string
	Dir       string
	Secret    bool
	Limits    []limit
}

type limit struct {
	Resource int
	Value    uint64
}

// Child becomes the program that the pipe on descriptor 3 tells of, and returns
// only where it cannot: what it says on descriptor 4 is then the reason. The parent
// has set user, process group and standard streams.
func Child() int {
	runtime.LockOSThread()
	status := os.NewFile(statusFD, "status")
	unix.CloseOnExec(statusFD)
	if err := become(); err != nil {
		_, _ = fmt.Fprint(status, err) // the parent may be gone
	}
	return 127
}

// shut leaves the program the standard streams and its secret: nothing that this
// process has inherited.
func shut() {
	open, err := os.ReadDir("/dev/fd")
	if err != nil { // without a file system that tells, the usual ones
		for n := secretFD; n < 1024; n++ {
			unix.CloseOnExec(n)
		}
		return
	}
	for _, e := range open {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > specFD {
			unix.CloseOnExec(n)
		}
	}
}

func become() error {
	f := os.NewFile(specFD, "spec")
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return fmt.Errorf("read what to run: %w", err)
	}
	var s spec
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read what to run: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if s.Secret {
		if err := unix.Dup2(secretFD, specFD); err != nil {
			return fmt.Errorf("hand over the secret: %w", err)
		}
	}
	shut()
	syscall.Umask(0o077)
	if err := os.Chdir(s.Dir); err != nil {
		return fmt.Errorf("its directory cannot be entered: %s", s.Dir)
	}
	for _, l := range s.Limits {
		if err := unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Value, Max: l.Value}); err != nil {
			return fmt.Errorf("its limits cannot be set: %w", err)
		}
	}
	// The address space is bounded last: this process is larger than many programs.
	err = unix.Exec(s.Argv[0], s.Argv, s.Env)
	return fmt.Errorf("%s cannot be run: %w", s.Argv[0], err)
}
