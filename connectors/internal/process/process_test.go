//go:build unix

package process

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start("the script", exec.Command("sh", "-c", script), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.End(time.Minute, syscall.SIGKILL) })
	return p
}

func said(p *Process, text string) func() error {
	return func() error {
		if strings.Contains(p.Log(), text) {
			return nil
		}
		return errors.New("not yet")
	}
}

func TestLife(t *testing.T) {
	p := sh(t, `trap '' TERM; echo ready; while :; do sleep 0.01; done`)
	if err := p.Wait(t.Context(), said(p, "ready")); err != nil {
		t.Fatal(err)
	}
	p.End(50*time.Millisecond, syscall.SIGTERM, syscall.SIGKILL)
	select {
	case <-p.exited:
	default:
		t.Error("End returns before the program has ended")
	}
	p.End(time.Minute, syscall.SIGKILL) // a second time
	(*Process)(nil).End(time.Minute, syscall.SIGKILL)
}

func TestWaitEnds(t *testing.T) {
	p := sh(t, `echo it has no folder >&2`)
	if err := p.Wait(t.Context(), said(p, "ready")); err == nil || !strings.Contains(err.Error(), "the script ended at once: it has no folder") {
		t.Errorf("of a program that ended: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	p = sh(t, `exec sleep 600`)
	if err := p.Wait(ctx, said(p, "ready")); err == nil || !strings.Contains(err.Error(), "does not answer: enough: not yet") {
		t.Errorf("of a wait that was cancelled: %v", err)
	}
	if _, err := Start("nothing", exec.Command("/nonexistent"), syscall.SIGKILL); err == nil {
		t.Error("a program that is not there is started")
	}
}

func TestTail(t *testing.T) {
	p := sh(t, `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done`)
	<-p.exited
	if l := p.Log(); len(l) != kept || !strings.HasSuffix(l, "line 2999\n") {
		t.Errorf("%d bytes are kept, which end with %q", len(l), l[max(0, len(l)-20):])
	}
}
