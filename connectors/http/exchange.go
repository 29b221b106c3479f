package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// exchange is one permitted request and its answer.
type exchange struct {
	c     *Conn
	p     connectors.Permit
	r     *Request
	w     connectors.ResponseWriter
	strip *stripper
	most  int64 // bytes of the body; 0 is no bound

	sent     atomic.Bool // something of the request
	answered bool        // the head of the answer came
}

// run sends the request and hands the answer on, or says where it leads to.
func (x *exchange) run(ctx context.Context, o *connectors.Outcome) error {
	t := x.c.once
	if x.p.Terms().ReadOnly {
		t = x.c.kept
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { x.sent.Store(true) }})
	res, err := t.RoundTrip(x.c.request(x.r).WithContext(ctx))
	if err != nil {
		return exchangeError(err)
	}
	x.answered = true
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode < 200 || res.StatusCode > 599 {
		return fmt.Errorf("%w: it answered with the status %d", connectors.ErrProtocol, res.StatusCode)
	}
	o.Tag = connectors.StatusText(res.StatusCode)
	fields := fieldsOf(res.Header, x.strip)
	if next := x.redirect(res.StatusCode, fields); next != "" {
		to := connectors.FieldValue(fields, "Location")
		if err := x.p.Observe(ctx, connectors.Chunk{Notice: o.Tag + ", to be found at " + to}); err != nil {
			return err
		}
		return &connectors.Elsewhere{Text: next}
	}
	if err := x.answer(res, fields); err != nil {
		return err
	}
	if res.StatusCode == nethttp.StatusUnauthorized && x.c.auth.auth != "" {
		x.c.auth.refused()
		return fmt.Errorf("%w: it answered %s", connectors.ErrCredential, o.Tag)
	}
	return nil
}

// unknown reports whether it cannot be told if the service did what was asked.
func (x *exchange) unknown(err error) bool {
	if !x.sent.Load() || x.answered {
		return false
	}
	for _, e := range []error{connectors.ErrVanished, connectors.ErrProtocol, connectors.ErrCanceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// answer hands head and body on as they come.
func (x *exchange) answer(res *nethttp.Response, fields []connectors.Field) error {
	if x.c.auth.auth != "" && res.ContentLength != 0 && x.r.Method != "HEAD" && coded(res.Header) {
		return fmt.Errorf("%w: its answer is compressed as nobody asked for, so that the credential could not be found in it", connectors.ErrUnsupported)
	}
	to, flush := x.p.Reply(x.w, nil)
	if err := to.Head(res.StatusCode, fields); err != nil {
		return err
	}
	s := &stripWriter{s: x.strip, w: to}
	if err := x.copy(s, res.Body); err != nil {
		// What came before is shown: it was recorded.
		_ = s.flush()
		_ = flush()
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	return flush()
}

// coded reports whether a body is encoded otherwise than its transport has undone.
func coded(h nethttp.Header) bool {
	return slices.ContainsFunc(h["Content-Encoding"], func(c string) bool { return c != "" && !strings.EqualFold(c, "identity") })
}

// copy is io.Copy up to the bound. Errors of the target are told from those of
// whoever takes the answer.
func (x *exchange) copy(w io.Writer, body io.Reader) error {
	b := make([]byte, 32<<10)
	var total int64
	for {
		n, err := body.Read(b)
		if over := total + int64(n) - x.most; x.most > 0 && over > 0 {
			n, err = n-int(over), &policy.Refusal{Rule: "limits", Reason: fmt.Sprintf("it was ended: its answer is longer than the %d bytes that it may have", x.most)}
		}
		total += int64(n)
		if n > 0 {
			if _, werr := w.Write(b[:n]); werr != nil {
				return werr
			}
		}
		var refused *policy.Refusal
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &refused):
			return refused
		case err != nil:
			return exchangeError(err)
		}
	}
}

// redirect is the request that an answer leads to, "" where it leads to none that
// is followed: to another service, or to one that changes something. A redirect
// that carries the credential leads nowhere.
func (x *exchange) redirect(status int, fields []connectors.Field) string {
	method := x.r.Method
	switch status {
	case nethttp.StatusMovedPermanently, nethttp.StatusFound, nethttp.StatusSeeOther:
		if method != "HEAD" {
			method = "GET"
		}
	case nethttp.StatusTemporaryRedirect, nethttp.StatusPermanentRedirect:
	default:
		return ""
	}
	if method != "GET" && method != "HEAD" {
		return ""
	}
	var to []connectors.Field
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Location") {
			to = append(to, f)
		}
	}
	if len(to) != 1 || to[0].Value == "" || strings.Contains(to[0].Value, `\`) || to[0].Masked || masked(x.p, to[0].Value) {
		return ""
	}
	at, err := url.Parse(x.c.base.String() + x.r.Target)
	if err != nil {
		return ""
	}
	u, err := at.Parse(to[0].Value)
	if err != nil || u.User != nil || !strings.EqualFold(u.Scheme, x.c.base.Scheme) || !sameHost(u, x.c.base) {
		return ""
	}
	next := &Request{Method: method, Target: u.RequestURI(), Header: x.r.Header.Clone()}
	for name := range next.Header {
		if strings.HasPrefix(name, "Content-") {
			delete(next.Header, name)
		}
	}
	return next.text()
}

// masked reports whether detectors find something in a value: what it leads to
// would be recorded as it is.
func masked(p connectors.Permit, v string) bool {
	_, seen := p.Seen().Text(v)
	_, kept := p.Kept().Text(v)
	return seen || kept
}

// sameHost reports whether two URLs of one scheme lead to the same port of the same
// host.
func sameHost(a, b *url.URL) bool { return strings.EqualFold(hostPort(a), hostPort(b)) }

// reshaped refuses a request whose answer could show a masked value under another
// name than its path has: GraphQL gives fields the names that it is asked to, and a
// JSON Patch copies.
func reshaped(r *Request, p connectors.Permit) error {
	if p.Seen().Paths() == nil && p.Kept().Paths() == nil {
		return nil
	}
	if Moves(r.Method, r.Body) {
		return ErrMoves
	}
	j := &judge{r: r}
	j.target()
	if j.form() != formGraphQL {
		return nil
	}
	docs, ok := j.documents()
	if !ok && (len(r.Body) > 0 || j.query != "") { // one that the service knows by a name
		docs = []string{""}
	}
	for _, d := range docs {
		if aliased(d) {
			return &policy.Refusal{Rule: "masks", Reason: "the query gives a field another name, so that a mask would not know it", Hint: "ask for fields by their own names"}
		}
	}
	return nil
}
