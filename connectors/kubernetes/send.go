package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	nethttp "net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// request is a request to the API server, in parts.
type request struct {
	method, target   string
	accept, contents string // media types; "" is JSON, or none
	body             string
	sealed           bool // its answer may hold credentials
}

// text is the request as it is judged, approved and recorded.
func (r request) text() string {
	var b strings.Builder
	b.WriteString(r.method + " " + r.target)
	if r.accept != "" {
		b.WriteString("\nAccept: " + r.accept)
	}
	if r.contents != "" {
		b.WriteString("\nContent-Type: " + r.contents)
	}
	if r.body != "" {
		b.WriteString("\n\n" + r.body)
	}
	return b.String()
}

// Request sends a request to the API server. The values of Secrets, and tokens
// that are made, are masked whatever the plans say; where an answer would not be
// JSON, and is no log, it is withheld. An answer that says no is none of its errors,
// but for a refused credential, connectors.ErrCredential. What opens a channel
// (exec, attach, portforward, proxy), and headers besides Accept and Content-Type,
// are connectors.ErrUnsupported.
func (c *Conn) Request(ctx context.Context, g connectors.Guard, text string, w connectors.ResponseWriter) error {
	parsed, err := http.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
	}
	facts := Request(parsed)
	r, err := plain(parsed, facts)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
	}
	shown := kept(r, facts.Kubernetes)
	r.sealed = shown != "" || seals(facts.Kubernetes)
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionKubernetes, Text: text, Kept: shown, Login: c.login, Facts: facts})
	if err != nil {
		return err
	}
	if http.Moves(r.method, parsed.Body) && (p.Seen().Paths() != nil || p.Kept().Paths() != nil) {
		p.Done(connectors.Outcome{Err: http.ErrMoves, Affected: -1})
		return http.ErrMoves
	}
	ctx, end := c.bound(ctx)
	defer end(nil)
	if limit := p.Terms().Timeout; limit > 0 && !endless(r.target, facts) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the request took longer than %s, which is the limit", limit))
		defer cancel()
	}
	reached, status, err := c.exchange(ctx, p, r, facts, w)
	p.Done(connectors.Outcome{Err: err, Tag: status, Unknown: reached && err != nil && isVanished(err) && facts.Class != policy.Read, Affected: -1})
	return err
}

// plain is the request as it will be sent, if it is one that can be.
func plain(p *http.Request, f policy.Facts) (request, error) {
	r := request{method: p.Method, target: p.Target, body: string(p.Body)}
	if len(p.Odd) > 0 {
		return r, fmt.Errorf("%s", p.Odd[0])
	}
	if !methods[p.Method] { // TRACE would tell the credential
		return r, fmt.Errorf("the method %s is not the API's", p.Method)
	}
	path, _, _ := strings.Cut(p.Target, "?")
	if strings.Contains(p.Target, "#") {
		return r, fmt.Errorf("a fragment would not be sent")
	}
	if _, odd := http.Normalise(path); len(odd) > 0 || !strings.HasPrefix(path, "/") {
		return r, fmt.Errorf("the path must be written plainly")
	}
	if strings.Contains(path+"/", "/proxy/") {
		return r, fmt.Errorf("proxy is not a request: it opens a channel")
	}
	if call := f.Kubernetes; call != nil && opens[call.Subresource] {
		return r, fmt.Errorf("%s is not a request: it opens a channel", call.Subresource)
	}
	for name, values := range p.Header {
		if len(values) != 1 {
			return r, fmt.Errorf("the header %s stands twice", name)
		}
		switch name {
		case "Accept":
			r.accept = values[0]
		case "Content-Type":
			r.contents = values[0]
		default:
			return r, fmt.Errorf("the header %s is not sent: Accept and Content-Type are", name)
		}
	}
	for a := range strings.SplitSeq(r.accept, ",") {
		if kind, _, err := mime.ParseMediaType(a); r.accept != "" && (err != nil || kind != "application/json") {
			return r, fmt.Errorf("only JSON is asked for, in its forms: it can be read and masked")
		}
	}
	if why := tells(r, f.Kubernetes); why != "" {
		return r, fmt.Errorf("%s", why)
	}
	return r, nil
}

var (
	opens   = set("exec attach portforward proxy")
	methods = set("GET POST PUT PATCH DELETE")
)

// endless reports whether the answer goes on for as long as somebody listens.
func endless(target string, f policy.Facts) bool {
	call := f.Kubernetes
	if call == nil || call.Verb == "watch" {
		return call != nil
	}
	_, query, _ := strings.Cut(target, "?")
	q, err := url.ParseQuery(query)
	return err == nil && call.Verb == "get" && call.Group == "" && call.Resource == "pods" && call.Subresource == "log" && isOn(q["follow"])
}

// send sends it with the credential. The caller closes the body.
func (c *Conn) send(ctx context.Context, r request) (*nethttp.Response, error) {
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	q, err := nethttp.NewRequestWithContext(ctx, r.method, c.cfg.Host+r.target, body)
	if err != nil {
		return nil, fmt.Errorf("%w: the target of the request cannot be read", connectors.ErrUnsupported)
	}
	q.Header.Set("Accept", "application/json")
	if r.accept != "" {
		q.Header.Set("Accept", r.accept)
	}
	if r.contents != "" {
		q.Header.Set("Content-Type", r.contents)
	} else if r.body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	a, err := c.client.Do(q)
	if err != nil {
		return nil, failed(ctx, err)
	}
	return a, nil
}

// exchange sends the request and hands the answer on. reached says that the server
// may have acted, and status what it said.
func (c *Conn) exchange(ctx context.Context, p connectors.Permit, r request, f policy.Facts, w connectors.ResponseWriter) (reached bool, status string, err error) {
	a, err := c.send(ctx, r)
	if err != nil {
		return !isUnreachable(err), "", err
	}
	status = connectors.StatusText(a.StatusCode)
	// What a server sends too slowly, or never, ends with ctx.
	defer context.AfterFunc(ctx, func() { _ = a.Body.Close() })()
	defer a.Body.Close()
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch {
	case a.StatusCode == nethttp.StatusUnauthorized:
		return true, status, errUnauthorized
	case kind != "application/json" && (r.sealed || kind != "text/plain"):
		return true, status, fmt.Errorf("%w: its answer is %.60q, not JSON, so it is withheld", connectors.ErrProtocol, kind)
	}
	var seal []mask.PathRule
	if r.sealed {
		seal = sealing(a)
	}
	return true, status, hand(ctx, p, a, kind, f.Kubernetes, seal, w)
}

// hand hands the answer on through the gate's masks and record, with what seals
// Secrets. A log is a stream like a program's output; all else is a document.
func hand(ctx context.Context, p connectors.Permit, a *nethttp.Response, kind string, call *policy.KubernetesCall, seal []mask.PathRule, w connectors.ResponseWriter) error {
	head := []connectors.Field{{Name: "Content-Type", Value: kind}}
	var out io.Writer
	var flush func() error
	if kind == "text/plain" && call != nil && call.Subresource == "log" {
		if err := w.Head(a.StatusCode, head); err != nil {
			return err
		}
		var guarded connectors.Stdio
		guarded, flush = p.Stdio(connectors.Stdio{In: none{}, Out: w, Err: io.Discard})
		out = guarded.Out
	} else {
		var reply connectors.ResponseWriter
		reply, flush = p.Reply(w, seal)
		if err := reply.Head(a.StatusCode, head); err != nil {
			return err
		}
		out = reply
	}
	b := make([]byte, 32<<10)
	total, most := int64(0), p.Terms().MaxBytes
	for {
		n, err := a.Body.Read(b)
		var over *policy.Refusal
		if total += int64(n); most > 0 && total > most {
			n -= int(min(total-most, int64(n)))
			over = &policy.Refusal{Rule: "limits", Reason: fmt.Sprintf("it was ended: its answer is longer than the %d bytes that it may have", most)}
		}
		if n > 0 {
			if _, err := out.Write(b[:n]); err != nil {
				return err
			}
		}
		switch {
		case over != nil:
			return errors.Join(flush(), over)
		case err == io.EOF:
			return flush()
		case err != nil:
			// What came is shown, as it was recorded.
			if ferr := flush(); ferr != nil {
				return ferr
			}
			return failed(ctx, err)
		}
	}
}

// maxStatus bounds an answer that says why a request failed.
const maxStatus = 64 << 10

// refusal is what the server says of a request that it refused or failed.
func refusal(a *nethttp.Response) error {
	b, _ := io.ReadAll(io.LimitReader(a.Body, maxStatus))
	return said(a.StatusCode, b)
}

// said is what a body says about why a request failed, where it is the API's Status.
// What else a server, or something before it, writes may quote anything.
func said(code int, b []byte) error {
	var status struct{ Message, Reason string }
	if json.Unmarshal(b, &status) != nil || status.Message == "" {
		status.Message, status.Reason = fmt.Sprintf("the server answered %d without the API's words for why; the rest is withheld", code), ""
	}
	if status.Reason == "" {
		status.Reason = nethttp.StatusText(code)
	}
	return &connectors.TargetError{Code: status.Reason, Text: status.Message}
}
