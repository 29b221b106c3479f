package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// proxy passes bytes on until it is cut.
func proxy(t *testing.T, to string) (address string, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cut = func() { cancel(); _ = l.Close() }
	t.Cleanup(cut)
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				_ = a.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _ = a.Close(); _ = b.Close() })
			go func() { _, _ = io.Copy(a, b); _ = a.Close() }()
			go func() { _, _ = io.Copy(b, a); _ = b.Close() }()
		}
	}()
	return l.Addr().String(), cut
}

// A server that vanishes in the middle is told as that, with what came before.
func TestVanished(t *testing.T) {
	s := theCluster(t)
	for _, line := range []string{"logs -f web-1 -c app", "exec web-1 -c app -- sh -c 'echo started; sleep 60'", "get pods -w"} {
		g := &connectortest.Guard{}
		e := endpoint(s)
		var cut func()
		e.Address, cut = proxy(t, s.Address())
		c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(s.Token(kubetest.Admin))), g)
		if err != nil {
			t.Fatal(err)
		}
		out := &shown{}
		done := make(chan error, 1)
		go func() {
			_, err := c.(*Conn).Command(t.Context(), g, split(line), connectors.Terminal{Stdio: connectors.Stdio{Out: &out.out, Err: &out.err}})
			done <- err
		}()
		eventually(t, func() bool { return out.out.String() != "" })
		cut()
		if err := within(t, done); !errors.Is(err, connectors.ErrVanished) {
			t.Errorf("%s: %v", line, err)
		}
		_ = c.Close()
	}
}

// Whoever cancels gets it, and the program on a terminal in the pod ends. (One
// without a terminal that neither reads nor writes would not: Kubernetes has no word
// for that.)
func TestCancel(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	dir := t.TempDir()
	for _, line := range []string{"logs -f web-1 -c app", "get pods -w", "exec -it web-1 -c app -- sh -c 'echo $$ >" + dir + "/pid; echo up; exec sleep 300'"} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &shown{}
		in, keys := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := c.Command(ctx, g, split(line), connectors.Terminal{Term: "xterm", Stdio: connectors.Stdio{In: in, Out: &out.out, Err: &out.err}})
			done <- err
		}()
		eventually(t, func() bool { return out.out.String() != "" })
		cancel()
		_ = keys.Close()
		if err := within(t, done); !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("%s: %v", line, err)
		}
	}
	pid, err := os.ReadFile(dir + "/pid")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); return err != nil })
}

// A terminal in a container: what is typed arrives, its size does, and what is on
// record is what was shown.
func TestTerminal(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	in, keys := io.Pipe()
	var out lockedText
	sizes := make(chan connectors.Size, 1)
	type end struct {
		exit connectors.Exit
		err  error
	}
	done := make(chan end, 1)
	go func() {
		exit, err := c.Command(t.Context(), g, split("exec -it web-1 -c app -- sh"), connectors.Terminal{
			Term: "xterm", Size: connectors.Size{Width: 91, Height: 33}, Resize: sizes, Stdio: connectors.Stdio{In: in, Out: &out}})
		done <- end{exit, err}
	}()
	_, _ = io.WriteString(keys, "stty size\r")
	eventually(t, func() bool { return strings.Contains(out.String(), "33 91") })
	sizes <- connectors.Size{Width: 62, Height: 21}
	eventually(t, func() bool {
		_, _ = io.WriteString(keys, "stty size\r")
		return strings.Contains(out.String(), "21 62")
	})
	_, _ = io.WriteString(keys, "exit 5\r")
	var e end
	select {
	case e = <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	_ = in.Close()
	if e.err != nil || e.exit.Code != 5 {
		t.Fatalf("%+v %v", e.exit, e.err)
	}
	p := g.Permits()[len(g.Permits())-1]
	typed, kept, _ := p.Streams()
	if p.Op.Action != policy.ActionShell || kept != out.String() || !strings.Contains(typed, "exit 5\r") {
		t.Errorf("%s: typed %q, kept %q, shown %q", p.Op.Action, typed, kept, out.String())
	}
}

// A server that lies about what it answers shows nothing of it.
func TestHostileAnswers(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	answers := map[string]func(w http.ResponseWriter){
		"/api/v1/namespaces/shop/secrets/a": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
			_, _ = io.WriteString(w, "k8s\x00"+canary)
		},
		"/api/v1/namespaces/shop/secrets/b": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, canary)
		},
		"/api/v1/namespaces/shop/secrets/c": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data": {"a"`+canary)
		},
		"/api/v1/namespaces/shop/secrets/d": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"\u0064ata":{"a":"`+canary+`"},"DATA":"`+canary+`"}`)
		},
		"/api/v1/namespaces/shop/secrets/e": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(422)
			_, _ = io.WriteString(w, `{"kind":"Status","message":"data: `+canary+`"}`)
		},
		"/api/v1/namespaces/shop/secrets/f": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/cbor")
			_, _ = io.WriteString(w, canary)
		},
		"/api/v1/namespaces/shop/secrets/g": func(w http.ResponseWriter) { w.Header().Set("Location", "/api/v1/stolen"); w.WriteHeader(302) },
		"/api/v1/pods": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			for range 100 {
				if _, err := io.WriteString(w, big); err != nil {
					return
				}
			}
		},
	}
	moved := false
	fake := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		moved = moved || strings.Contains(r.URL.Path, "stolen")
		if f := answers[r.URL.Path]; f != nil {
			f(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	defer fake.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fake.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Discard: true}
	c, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "x", Address: fake.Listener.Addr().String(), TLSRootCA: ca}, mask.NewSecret([]byte("token")), g)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for path := range answers {
		var out bytesWriter
		err := c.(*Conn).Request(t.Context(), g, "GET "+path, &out)
		hidden(t, path, out.text.String())
		if err != nil {
			hidden(t, path, err.Error())
		}
	}
	if moved {
		t.Error("a redirect was followed")
	}
	a := &answer{}
	if err := c.(*Conn).Request(t.Context(), g, "GET /api/v1/pods", a); !errors.Is(err, connectors.ErrProtocol) || a.held.Len() > maxAnswer {
		t.Errorf("a long answer: %v, %d bytes held", err, a.held.Len())
	}
}

// Where a proxy in between knows no WebSocket, SPDY does it.
func TestSPDY(t *testing.T) {
	s := theCluster(t)
	to, err := url.Parse("https://" + s.Address())
	if err != nil {
		t.Fatal(err)
	}
	pem1, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem1)
	pass := httputil.NewSingleHostReverseProxy(to)
	pass.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	var refused, upgraded atomic.Int32
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.ToLower(r.Header.Get("Upgrade")) {
		case "websocket":
			refused.Add(1)
			http.Error(w, "no", http.StatusBadRequest)
			return
		case "spdy/3.1":
			upgraded.Add(1)
		}
		pass.ServeHTTP(w, r)
	}))
	defer front.Close()
	e := endpoint(s)
	e.Address, e.TLSRootCA = front.Listener.Addr().String(), filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(e.TLSRootCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{}
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(s.Token(kubetest.Admin))), g)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out := kubectl(t, c.(*Conn), g, "by spdy", split("exec web-1 -c app -i -- sh -c 'cat; exit 3'")...)
	if out.fault != nil || out.out.String() != "by spdy" || out.exit.Code != 3 || refused.Load() != 1 || upgraded.Load() != 1 {
		t.Errorf("%v %q %+v, %d refused, %d upgraded", out.fault, out.out.String(), out.exit, refused.Load(), upgraded.Load())
	}
	// A program that was judged once was asked for once.
	n := 0
	for _, o := range g.Operations() {
		if strings.Contains(o.Text, "exec") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it never came to that")
}

func within(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
		return nil
	}
}
