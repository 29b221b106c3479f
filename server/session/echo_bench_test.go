package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
)

// echoHost is a host whose shell is a TCP connection that echoes.
type echoHost struct{ addr string }

func (echoHost) Kind() string   { return "ssh" }
func (h echoHost) Close() error { return nil }

func (h echoHost) Open(context.Context, connectors.Endpoint, mask.Secret, connectors.Guard) (connectors.Conn, error) {
	return h, nil
}

func (h echoHost) Attach(ctx context.Context, g connectors.Guard, t connectors.Terminal) (connectors.Exit, error) {
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionShell, Facts: policy.Facts{Class: policy.Unknown}})
	if err != nil {
		return connectors.Exit{}, err
	}
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		return connectors.Exit{}, err
	}
	stdio, flush := p.Stdio(t.Stdio)
	typed := make(chan error, 1)
	go func() {
		_, err := io.Copy(c, stdio.In)
		typed <- errors.Join(err, c.(*net.TCPConn).CloseWrite())
	}()
	_, err = io.Copy(stdio.Out, c)
	err = errors.Join(err, <-typed, flush(), c.Close())
	p.Done(connectors.Outcome{Err: err})
	return connectors.Exit{}, err
}

// forgetting is a store that keeps heads and no events.
type forgetting struct {
	mu    sync.Mutex
	heads map[recorder.ID]recorder.Head
}

func (f *forgetting) Append(groups []recorder.Group) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range groups {
		f.heads[g.ID] = g.Head
	}
	return nil
}

func (f *forgetting) Head(_ context.Context, id recorder.ID) (recorder.Head, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h, ok := f.heads[id]; ok {
		return h, nil
	}
	return recorder.Head{}, recorder.ErrNotFound
}

func (f *forgetting) Heads(context.Context) ([]recorder.Head, error) { return nil, nil }
func (f *forgetting) Close() error                                   { return nil }
func (f *forgetting) Read(context.Context, recorder.ID, uint64, int) ([]recorder.Event, error) {
	return nil, nil
}

// typist is a client in a shell of a gate over a recorder; key sends one and waits
// for its echo.
func typist(b *testing.B, rec *recorder.Recorder) (key func() time.Duration) {
	b.Helper()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	host := policy.Selector{Names: []string{"host"}}
	compiled, err := policy.Compile(policy.Roles{{Name: "work", Groups: []string{"engineering"}, Resources: host,
		Rules: []policy.Rule{{Name: "all", Allow: []string{"shell"}}}}}, nil) // detectors hold a character back until the next or 10 ms: that is not the cost of recording
	must(err)
	journal, err := rec.Begin(b.Context(), recorder.Header{Kind: "bastion"})
	must(err)
	gate := New(Options{Drivers: []connectors.Driver{echoHost{l.Addr().String()}}, Recorder: rec, Journal: journal, Log: slog.New(slog.DiscardHandler),
		Rules: Rules{Policy: compiled, Revision: "r", Targets: map[string]Target{"host": {Resource: policy.Resource{Name: "host", Kind: "ssh", Revision: "v"}}}}})
	s, err := gate.Visit(Visitor{Identity: alice, From: "192.0.2.1:1"}).Open(b.Context(), "host", policy.ActionShell, Screen{Term: "xterm", Width: 80, Height: 24})
	must(err)
	door, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	over := make(chan error, 1)
	go func() {
		c, err := door.Accept()
		if err != nil {
			over <- err
			return
		}
		_, err = s.Attach(context.Background(), nil, connectors.Terminal{Term: "xterm", Size: connectors.Size{Width: 80, Height: 24}, Stdio: connectors.Stdio{In: c, Out: c}})
		over <- errors.Join(err, c.Close())
	}()
	client, err := net.Dial("tcp", door.Addr().String())
	must(err)
	b.Cleanup(func() {
		must(client.(*net.TCPConn).CloseWrite())
		must(<-over)
		must(s.Close())
		must(rec.Close("done"))
		_ = door.Close()
	})
	buf, n := make([]byte, 1), 0
	return func() time.Duration {
		n++
		buf[0] = "ls -l /var/log\r"[n%15]
		began := time.Now()
		_, err := client.Write(buf)
		must(err)
		_, err = io.ReadFull(client, buf)
		must(err)
		return time.Since(began)
	}
}

// BenchmarkEcho is what recording costs in the echo of a key, through the gate over
// loopback: the same with a store in files, encrypted and with its log, and with one
// that keeps nothing, key by key in turn.
func BenchmarkEcho(b *testing.B) {
	dir := b.TempDir()
	keys, err := agekeys.Open(dir, agekeys.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store, err := boltstore.Open(dir, boltstore.Options{Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	log, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	kept, err := recorder.New(store, recorder.Options{Log: log})
	if err != nil {
		b.Fatal(err)
	}
	gone, err := recorder.New(&forgetting{heads: map[recorder.ID]recorder.Head{}}, recorder.Options{})
	if err != nil {
		b.Fatal(err)
	}
	with, without := typist(b, kept), typist(b, gone)
	var a, z []time.Duration
	for b.Loop() {
		a, z = append(a, with()), append(z, without())
	}
	at := func(d []time.Duration, q float64) float64 {
		slices.Sort(d)
		return float64(d[int(q*float64(len(d)-1))].Nanoseconds()) / 1000
	}
	b.ReportMetric(at(a, 0.5), "µs-p50")
	b.ReportMetric(at(a, 0.5)/at(z, 0.5), "ratio-p50")
	b.ReportMetric(at(a, 0.99)/at(z, 0.99), "ratio-p99")
}
