package kubernetes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// What an address leads to, and that there is one text for each way.
func TestWays(t *testing.T) {
	for address, want := range map[string]string{
		"web-1.shop:80":        "pods shop web-1 80",
		"web.shop.svc:80":      "services shop web 80",
		"web.1.shop:80":        "pods shop web.1 80",
		"web.shop.pod:80":      "pods shop web 80",
		"web.svc:80":           "pods svc web 80",
		"web.svc.svc:80":       "services svc web 80",
		"web.shop.svc.pod:80":  "pods svc web.shop 80",
		"web:80":               "",
		"web.shop":             "",
		"web.shop:0":           "",
		"web.shop:65536":       "",
		"web.shop:080":         "",
		"web.shop:+80":         "",
		"web.shop:http":        "",
		"../secrets.shop:80":   "",
		"web/x.shop:80":        "",
		".shop:80":             "",
		"web..shop:80":         "",
		"web.sh%2fop:80":       "",
		"WEB.shop:80":          "",
		"web.shop?a=b:80":      "",
		"web.shop:80:81":       "",
		"-n.shop:80":           "",
		"\u202eweb.shop:80":    "",
		"web.shop.svc.svc:443": "services svc web.shop 443",
	} {
		w, err := parseWay(address)
		got := ""
		if err == nil {
			got = w.kind + " " + w.namespace + " " + w.name + " " + w.port
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", address, got, err, want)
		}
	}
}

func FuzzWay(f *testing.F) {
	f.Add("web.shop:80")
	f.Add("web.shop.svc:80")
	f.Add("x.svc.pod:1")
	f.Fuzz(func(t *testing.T, address string) {
		w, err := parseWay(address)
		if err != nil {
			return
		}
		if again, err := parseWay(w.String()); err != nil || again != w {
			t.Errorf("%q is %+v is %q is %+v, %v", address, w, w, again, err)
		}
		if strings.ContainsAny(w.name+w.namespace+w.port, "/?#% *[\\:") {
			t.Errorf("%q is %+v", address, w)
		}
	})
}

// echo is a server on loopback, which the test's kubelet reaches, that says hello,
// repeats what it hears, and says bye at the end.
func echo(t *testing.T) (port string, ended chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ended = make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close(); ended <- struct{}{} }()
				_, _ = io.WriteString(c, "hello\n")
				if _, err := io.Copy(c, c); err == nil {
					_, _ = io.WriteString(c, "bye\n")
				}
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, ended
}

// near is a requester's stream.
type near struct {
	io.Reader
	out    bytes.Buffer
	closed chan struct{}
}

func (n *near) Write(b []byte) (int, error) { return n.out.Write(b) }
func (n *near) CloseWrite() error           { return nil }
func (n *near) Close() error {
	select {
	case <-n.closed:
	default:
		close(n.closed)
	}
	return nil
}

func newNear(r io.Reader) *near { return &near{Reader: r, closed: make(chan struct{})} }

// forwarding is a connection whose resource declares forwards.
func forwarding(t *testing.T, g connectors.Guard, user string, forwards ...string) *Conn {
	t.Helper()
	c := dial(t, g, user)
	c.forwards = forwards
	return c
}

// A way to a pod's port carries bytes exactly, both ends are passed on, and what is on
// record are counts and hashes, and the pod; a service and a workload are the pod that
// is behind them.
func TestForward(t *testing.T) {
	s := theCluster(t)
	port, ended := echo(t)
	ns := "/api/v1/namespaces/" + kubetest.Namespace
	if err := s.Create(t.Context(), ns+"/services", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"front"},"spec":{"selector":{"app":"web-1"},"ports":[{"name":"http","port":80,"targetPort":`+port+`},{"name":"dns","port":53,"protocol":"UDP"}]}}`); err != nil {
		t.Fatal(err)
	}
	sent := strings.Repeat("0123456789abcdef", 40_000)
	want := "hello\n" + sent + "bye\n"
	for address, requests := range map[string]int{"web-1.shop:" + port: 0, "front.shop.svc:80": 2} {
		g := &connectortest.Guard{}
		c := forwarding(t, g, kubetest.Admin, "*.shop:*")
		n := newNear(strings.NewReader(sent))
		if err := c.Forward(t.Context(), g, address, n); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		<-ended
		if n.out.String() != want {
			t.Errorf("%s: %d bytes came back, want %d", address, n.out.Len(), len(want))
		}
		all := g.Permits()
		if len(all) != requests+1 {
			t.Fatalf("%s: %d operations", address, len(all))
		}
		p := all[requests]
		call := p.Op.Facts.Kubernetes
		if p.Op.Action != policy.ActionForward || p.Op.Text != "kubectl port-forward -n shop pod/web-1 "+port || call == nil || call.Verb != "create" || call.Resource != "pods" ||
			call.Subresource != "portforward" || call.Namespace != "shop" || call.Name != "web-1" || fmt.Sprint(call.Port) != port || !p.Op.Facts.Opaque {
			t.Errorf("%s is judged as %+v %+v", address, p.Op, call)
		}
		tag := fmt.Sprintf("FORWARD sent %d bytes (sha256 %x), received %d bytes (sha256 %x)", len(sent), sha256.Sum256([]byte(sent)), len(want), sha256.Sum256([]byte(want)))
		if o := p.Outcomes(); len(o) != 1 || o[0].Tag != tag || o[0].Err != nil {
			t.Errorf("%s: on record is %+v, want %s", address, o, tag)
		}
		select {
		case <-n.closed:
		default:
			t.Errorf("%s: the requester's stream is left open", address)
		}
	}
}

// Nothing is reached that the resource does not declare, the gate denies, or the
// cluster does: each says so, and nothing arrives.
func TestForwardRefused(t *testing.T) {
	theCluster(t)
	port, _ := echo(t)
	denied := &policy.Refusal{Rule: "r", Reason: "no"}
	for name, c := range map[string]struct {
		address, user string
		forwards      []string
		judge         func(connectors.Operation) error
		is            func(error) bool
	}{
		"not declared":      {"web-1.shop:" + port, kubetest.Admin, []string{"web-1.shop:1", "*.other:*", "*.svc:*"}, nil, isRefusal},
		"nothing declared":  {"web-1.shop:" + port, kubetest.Admin, nil, nil, isRefusal},
		"denied":            {"web-1.shop:" + port, kubetest.Admin, []string{"*.*:*"}, func(connectors.Operation) error { return denied }, func(err error) bool { return errors.Is(err, denied) }},
		"nobody listens":    {"web-1.shop:1", kubetest.Admin, []string{"*.*:*"}, nil, saidBy("portforward", "refused")},
		"no such pod":       {"web-9.shop:" + port, kubetest.Admin, []string{"*.*:*"}, nil, saidBy("NotFound", "web-9")},
		"the cluster's no":  {"web-1.shop:" + port, kubetest.Dev, []string{"*.*:*"}, nil, saidBy("Forbidden", `User "dev" cannot get or create resource "pods/portforward"`)},
		"no such service":   {"back.shop.svc:80", kubetest.Admin, []string{"*.*:*"}, nil, saidBy("NotFound", "back")},
		"not a name at all": {"web-1:80", kubetest.Admin, []string{"*.*:*"}, nil, func(err error) bool { return errors.Is(err, connectors.ErrUnsupported) }},
	} {
		g := &connectortest.Guard{Judge: c.judge}
		n := newNear(strings.NewReader("x"))
		err := forwarding(t, g, c.user, c.forwards...).Forward(t.Context(), g, c.address, n)
		if err == nil || !c.is(err) || n.out.Len() > 0 {
			t.Errorf("%s: %v, %q came back", name, err, n.out.String())
		}
	}
}

func isRefusal(err error) bool {
	var r *policy.Refusal
	return errors.As(err, &r)
}

func saidBy(code, text string) func(error) bool {
	return func(err error) bool {
		var te *connectors.TargetError
		return errors.As(err, &te) && te.Code == code && strings.Contains(te.Text, text)
	}
}

// A forward ends when its context does, when more comes back than may, and when the
// API server vanishes; the program behind the port is told.
func TestForwardEnds(t *testing.T) {
	s := theCluster(t)
	port, ended := echo(t)
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{MaxStream: 3} }}
	if err := forwarding(t, g, kubetest.Admin, "*.*:*").Forward(t.Context(), g, "web-1.shop:"+port, newNear(strings.NewReader("x"))); !errors.Is(err, connectors.ErrForwardLimit) {
		t.Errorf("too much: %v", err)
	}
	<-ended
	for _, how := range []string{"cancelled", "cut"} {
		g := &connectortest.Guard{}
		e := endpoint(s)
		var cut func()
		e.Address, cut = proxy(t, s.Address())
		e.Forwards = []string{"web-1.shop:*"}
		c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(s.Token(kubetest.Admin))), g)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		in, keys := io.Pipe()
		heard := &listening{near: newNear(in), first: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- c.(*Conn).Forward(ctx, g, "web-1.shop:"+port, heard) }()
		<-heard.first
		want := connectors.ErrCanceled
		if how == "cut" {
			cut()
			want = connectors.ErrVanished
		} else {
			cancel()
		}
		_ = keys.Close()
		if err := within(t, done); !errors.Is(err, want) {
			t.Errorf("%s: %v", how, err)
		}
		<-ended
		cancel()
		_ = c.Close()
	}
}

// listening tells of the first byte.
type listening struct {
	*near
	first chan struct{}
	told  bool
}

func (l *listening) Write(b []byte) (int, error) {
	if !l.told {
		l.told = true
		close(l.first)
	}
	return l.near.Write(b)
}

// As a line of kubectl, the streams are the line's own; its end is that of the pod's
// side.
func TestForwardLine(t *testing.T) {
	theCluster(t)
	port, _ := echo(t)
	g := &connectortest.Guard{}
	c := forwarding(t, g, kubetest.Admin, "*.shop:*")
	for _, pod := range []string{"web-1", "pod/web-1", "po/web-1"} {
		if out := kubectl(t, c, g, "ping\n", "port-forward", pod, port); out.fault != nil || out.out.String() != "hello\nping\nbye\n" {
			t.Errorf("%s: %q, %v", pod, out.out.String(), out.fault)
		}
	}
	for _, line := range []string{"port-forward web-1", "port-forward web-1 8080:80", "port-forward secret/db 80", "port-forward web-1 -1", "port-forward web-1 80 81", "port-forward ../x 80"} {
		var wrong *connectors.LineError
		if out := kubectl(t, c, g, "", split(line)...); !errors.As(out.fault, &wrong) {
			t.Errorf("%s: %v", line, out.fault)
		}
	}
}
