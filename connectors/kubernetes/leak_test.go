package kubernetes

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
)

// Nothing stays of connections that are closed: no goroutine, here.
func TestNothingStays(t *testing.T) {
	s := theCluster(t)
	before := runtime.NumGoroutine()
	for range 5 {
		g := &connectortest.Guard{}
		c, err := New(Options{}).Open(t.Context(), endpoint(s), mask.NewSecret([]byte(s.Token(kubetest.Admin))), g)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"get pods", "get pods -o json", "exec web-1 -c app -i -- cat", "logs web-1 -c app", "rollout status deploy/web --watch=false"} {
			if out := kubectl(t, c.(*Conn), g, "x", strings.Fields(line)...); out.fault != nil {
				t.Errorf("%s: %v", line, out.fault)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+2 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b := make([]byte, 64<<10)
	t.Errorf("%d goroutines before, %d after: %s", before, runtime.NumGoroutine(), b[:runtime.Stack(b, true)])
}

// A closed connection ends what runs on it, and runs nothing more.
func TestClosed(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	out := &shown{}
	done := make(chan error, 1)
	go func() {
		_, err := c.Command(t.Context(), g, split("logs -f web-1 -c app"), connectors.Terminal{Stdio: connectors.Stdio{Out: &out.out, Err: &out.err}})
		done <- err
	}()
	eventually(t, func() bool { return out.out.String() != "" })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, done); err == nil {
		t.Error("it ended well")
	}
	if out := kubectl(t, c, g, "", "get", "pods"); out.fault == nil {
		t.Error("a closed connection answers")
	}
}

// No record, no access: what cannot be kept is not shown.
func TestNoRecord(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	g.ObserveErr = errNoRecord
	for _, line := range []string{"get pods", "logs web-1 -c app", "exec web-1 -c app -- echo hello", "describe pod web-1"} {
		out := kubectl(t, c, g, "", strings.Fields(line)...)
		if out.fault == nil || out.out.String() != "" {
			t.Errorf("%s: %v, shown %q", line, out.fault, out.out.String())
		}
	}
	g.ObserveErr, g.NoteErr = nil, errNoRecord
	fresh := dialUnnoted(t, g)
	if fresh == nil || !strings.Contains(fresh.Error(), errNoRecord.Error()) {
		t.Errorf("open: %v", fresh)
	}
}

type noRecord struct{}

func (noRecord) Error() string { return "the recorder cannot write" }

var errNoRecord error = noRecord{}

func dialUnnoted(t *testing.T, g connectors.Guard) error {
	t.Helper()
	s := theCluster(t)
	c, err := New(Options{}).Open(t.Context(), endpoint(s), mask.NewSecret([]byte(s.Token(kubetest.Admin))), g)
	if err == nil {
		_ = c.Close()
	}
	return err
}
