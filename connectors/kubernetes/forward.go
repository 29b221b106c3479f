package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

var _ connectors.Forwarder = (*Conn)(nil)

// way is what a forward leads to, as it was asked for.
type way struct {
	kind            string // "pods", or a kind that stands for pods
	namespace, name string
	port            string // a number, or the name of a service's or container's port
}

// parseWay reads NAME.NAMESPACE:PORT, of a pod; NAME.NAMESPACE.svc:PORT is of a
// service, as in the cluster's own DNS, and .pod says that it is a pod's where
// that could be read as a service's.
func parseWay(address string) (way, error) {
	host, port, ok := cutLast(address, ':')
	w := way{kind: "pods", port: port}
	if rest, kind, has := cutLast(host, '.'); has && strings.Contains(rest, ".") && (kind == "svc" || kind == "pod") {
		host = rest
		if kind == "svc" {
			w.kind = "services"
		}
	}
	w.name, w.namespace, _ = cutLast(host, '.')
	if !ok || !plainName(w.name) || !plainName(w.namespace) || strings.Contains(w.namespace, ".") || portOf(port) == 0 {
		return w, wrong("%.200q is not POD.NAMESPACE:PORT or SERVICE.NAMESPACE.svc:PORT", address)
	}
	return w, nil
}

// String is the address that the resource's forwards are compared with. There is one
// for each way.
func (w way) String() string {
	host := w.name + "." + w.namespace
	switch {
	case w.kind == "services":
		host += ".svc"
	case w.kind == "pods" && (w.namespace == "svc" || w.namespace == "pod" || behind[w.namespace] != ""):
		host += ".pod"
	case w.kind != "pods":
		host += "." + w.kind
	}
	return host + ":" + w.port
}

func cutLast(s string, at byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, at)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// plainName reports whether s can be the name of an object (RFC 1123).
func plainName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsRune(".-", rune(s[0])) && !strings.ContainsRune(".-", rune(s[len(s)-1])) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && !strings.Contains(s, "..")
}

// portOf is a port by its number, 0 for none.
func portOf(s string) int64 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || s[0] == '0' || s[0] == '+' {
		return 0
	}
	return int64(n)
}

// Forward connects the stream to a port of a pod (POD.NAMESPACE:PORT), or of a pod
// behind a service (SERVICE.NAMESPACE.svc:PORT), which the API is asked for. What
// is judged is the pod and the pod's port. What goes through is counted and hashed.
// Errors: those of Request and of the guard, *policy.Refusal for what the resource
// does not declare, *connectors.TargetError where nothing listens.
func (c *Conn) Forward(ctx context.Context, g connectors.Guard, address string, stream io.ReadWriteCloser) error {
	w, err := parseWay(address)
	if err != nil {
		_ = stream.Close()
		return fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
	}
	return c.forward(ctx, g, w, stream)
}

func (c *Conn) forward(ctx context.Context, g connectors.Guard, w way, stream io.ReadWriteCloser) error {
	defer stream.Close() // the requester is told, or gone
	declared := c.declares(w)
	to, err := c.pod(ctx, g, w)
	if err != nil {
		return err
	}
	if !declared && !c.declares(to) {
		return errors.Join(&policy.Refusal{Rule: policy.DefaultDeny, Reason: "the resource declares no forward to " + to.String(),
			Hint: "its forwards are patterns of POD.NAMESPACE:PORT"}, g.Note(ctx, "port-forward refused: no forward to "+to.String()+" is declared"))
	}
	line := []string{"kubectl", "port-forward", "-n", to.namespace, "pod/" + to.name, to.port}
	op := connectors.Operation{Action: policy.ActionForward, Text: quote(line), Login: c.login, Facts: Kubectl(line[1:])}
	op.Facts.Opaque = true
	op.Facts.Why = "a connection to " + to.String() + ": what goes through is counted and hashed, not judged or masked"
	p, err := g.Check(ctx, op)
	if err != nil {
		return err
	}
	tag, err := c.through(ctx, p, to, stream)
	p.Done(connectors.Outcome{Err: connectors.SafeError(p.Kept(), false, err), Affected: -1, Tag: tag})
	return connectors.SafeError(p.Seen(), false, err)
}

// declares reports whether the resource declares that a forward may lead there.
func (c *Conn) declares(w way) bool {
	for _, f := range c.forwards {
		if ok, err := path.Match(f, w.String()); ok && err == nil {
			return true
		}
	}
	return false
}

// through opens the channel and moves bytes until both sides have ended.
func (c *Conn) through(ctx context.Context, p connectors.Permit, to way, stream io.ReadWriteCloser) (tag string, err error) {
	ctx, end := c.bound(ctx)
	defer end(nil)
	far, err := c.dialPod(ctx, to)
	if err != nil {
		return "", err
	}
	defer far.Close()
	go far.listen(func(why error) { end(&failure{why}) })
	f := &connectors.Passage{Near: stream, Far: far, Limit: p.Terms().MaxStream}
	switch err := f.Run(ctx); {
	case errors.Is(err, connectors.ErrForwardLimit):
		return f.Tag(), err
	case err != nil:
		return f.Tag(), canceled(err)
	case far.lost.Load():
		return f.Tag(), connectors.ErrVanished
	}
	return f.Tag(), far.said(c.options.Grace)
}

// dialPod opens a channel to a port of a pod. The library's dialers know no context.
func (c *Conn) dialPod(ctx context.Context, to way) (*podStream, error) {
	if c.dialed {
		return nil, fmt.Errorf("%w: port-forward needs a plain way to the API server", connectors.ErrUnsupported)
	}
	u, err := url.Parse(c.cfg.Host + "/api/v1/namespaces/" + url.PathEscape(to.namespace) + "/pods/" + url.PathEscape(to.name) + "/portforward")
	if err != nil {
		return nil, fmt.Errorf("%w: the pod's name cannot be read", connectors.ErrUnsupported)
	}
	dialer, err := c.podDialer(u)
	if err != nil {
		return nil, err
	}
	type dialed struct {
		s   *podStream
		err error
	}
	done := make(chan dialed, 1)
	go func() {
		conn, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		if err != nil {
			done <- dialed{err: err}
			return
		}
		s, err := newPodStream(conn, to.port, c.options.Grace)
		done <- dialed{s, err}
	}()
	select {
	case d := <-done:
		var said *connectors.TargetError
		if asTarget(d.err, &said) {
			return nil, said
		}
		if d.err != nil {
			_, _, err := ended(ctx, d.err)
			return nil, err
		}
		return d.s, nil
	case <-ctx.Done():
		go func() {
			if d := <-done; d.s != nil {
				_ = d.s.Close()
			}
		}()
		return nil, canceled(context.Cause(ctx))
	}
}

// podDialer speaks WebSocket first, and SPDY with servers that know no other.
func (c *Conn) podDialer(u *url.URL) (httpstream.Dialer, error) {
	ws, err := portforward.NewSPDYOverWebsocketDialerForStreaming(u, c.cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrCredential, err)
	}
	rt, upgrader, err := spdy.RoundTripperFor(c.cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrCredential, err)
	}
	old := spdy.NewDialerForStreaming(upgrader, &nethttp.Client{Transport: rt, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}, nethttp.MethodPost, u)
	return eitherDialer{ws, old}, nil
}

// podStream is a connection to a port of a pod.
type podStream struct {
	conn  httpstream.Connection
	data  httpstream.Stream
	words httpstream.Stream // what the kubelet says of a failure
	why   chan error        // that, once, or nil
	heard chan struct{}     // closed when nothing more is said
	grace time.Duration     // how long that is waited for
	lost  atomic.Bool       // the connection was gone before the pod's side had ended
	ended atomic.Int32      // sides that have ended
	over  atomic.Bool
}

func newPodStream(conn httpstream.Connection, port string, grace time.Duration) (*podStream, error) {
	h := nethttp.Header{}
	h.Set(v1.StreamType, v1.StreamTypeError)
	h.Set(v1.PortHeader, port)
	h.Set(v1.PortForwardRequestIDHeader, "0")
	words, err := conn.CreateStream(h)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = words.Close() // nothing is said on it from here
	h.Set(v1.StreamType, v1.StreamTypeData)
	s := &podStream{conn: conn, words: words, why: make(chan error, 1), heard: make(chan struct{}), grace: grace}
	if s.data, err = conn.CreateStream(h); err != nil {
		go s.listen(func(error) {})
		if why := s.said(grace); why != nil { // it failed before its stream was there
			err = why
		}
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// listen waits for what the kubelet says, and ends the forward when it does.
func (s *podStream) listen(fail func(error)) {
	defer close(s.heard)
	b, _ := io.ReadAll(io.LimitReader(s.words, maxWords)) // what came counts
	why := bounded(string(b))
	if why == "" {
		s.why <- nil
		return
	}
	err := &connectors.TargetError{Code: "portforward", Text: why}
	s.why <- err
	fail(err)
}

func (s *podStream) Read(b []byte) (int, error) {
	n, err := s.data.Read(b)
	if err != nil && !s.over.Load() {
		s.ended.Add(1)
		select {
		case <-s.conn.CloseChan():
			s.lost.Store(true)
		default:
		}
	}
	return n, err
}

func (s *podStream) Write(b []byte) (int, error) { return s.data.Write(b) }

// CloseWrite says that the requester has ended.
func (s *podStream) CloseWrite() error {
	s.ended.Add(1)
	return s.data.Close()
}

// Close ends the connection. Where both sides have ended, the kubelet's last word is
// waited for: the streams come in no order.
func (s *podStream) Close() error {
	if !s.over.Swap(true) && s.ended.Load() >= 2 && !s.lost.Load() {
		t := time.NewTimer(s.grace)
		defer t.Stop()
		select {
		case <-s.heard:
		case <-t.C:
		}
	}
	_ = s.data.Reset() // it may be gone
	return s.conn.Close()
}

// said is why the forward failed by the kubelet's word, which comes with the end of the
// connection at the latest.
func (s *podStream) said(grace time.Duration) error {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case err := <-s.why:
		return err
	case <-t.C:
		return nil
	}
}
