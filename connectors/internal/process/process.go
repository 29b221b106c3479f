//go:build unix

// Package process answers: how does a server's program, which tests and the demo start,
// live for as long as this process and no longer?
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// kept is how much of what a program says is kept.
const kept = 8 << 10

// Process is a program that runs. Start makes one; its methods are safe for concurrent
// use.
type Process struct {
	name    string
	process *os.Process
	exited  chan struct{} // closed when it has ended
	log     tail
}

// Start runs cmd, whose output goes to the log. name is what errors call it. Where this
// process ends, however it does, the kernel of Linux sends it orphaned; elsewhere End
// must be called.
func Start(name string, cmd *exec.Cmd, orphaned syscall.Signal) (*Process, error) {
	p := &Process{name: name, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	cmd.SysProcAttr = dieWithParent(cmd.SysProcAttr, orphaned)
	started := make(chan error, 1)
	go func() { // the kernel ends it with the thread that started it: that does nothing else
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in the log
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Wait returns nil once ready does, which it asks again and again, and an error when the
// program has ended or ctx does.
func (p *Process) Wait(ctx context.Context, ready func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("%s ended at once: %s", p.name, LastLines(p.log.bytes()))
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w: %w: %s", p.name, context.Cause(ctx), err, LastLines(p.log.bytes()))
		}
	}
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Log is the end of what the program said; one that is nil said nothing.
func (p *Process) Log() string {
	if p == nil {
		return ""
	}
	return string(p.log.bytes())
}

// End sends the signals, each where the one before did not end the program within
// patience, and waits until it has ended. One that is nil never began.
func (p *Process) End(patience time.Duration, signals ...syscall.Signal) {
	if p == nil {
		return
	}
	for _, s := range signals {
		_ = p.process.Signal(s) // it may have ended
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-p.exited:
			return
		case <-late.C:
		}
	}
}

// Find looks for a program in PATH and where distributions put servers; "" is none.
func Find(names ...string) string {
	for _, name := range names {
		for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/libexec", "/opt/homebrew/bin") {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return path
			}
		}
	}
	return ""
}

// LastLines are the last lines of an output, in one.
func LastLines(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}

// tail keeps the last of what is written.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if extra := len(t.b) - kept; extra > 0 {
		t.b = t.b[:copy(t.b, t.b[extra:])]
	}
	return len(b), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.b...)
}
