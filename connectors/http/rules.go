package http

import (
	"fmt"
	nethttp "net/http"
	"strings"
)

// ours are header fields that the gate sets itself, or that are between it and the
// service: people cannot send them.
var ours = set(`Authorization Proxy-Authorization Cookie Cookie2 Host Connection Keep-Alive Proxy-Connection Te Trailer Transfer-Encoding
	Upgrade Content-Length Expect Accept-Encoding Http2-Settings Via Range If-Range`)

// sendable says why a request as it was typed cannot be sent through the gate, ""
// if it can. What is judged must be what is sent, letter by letter.
func (c *Conn) sendable(r *Request) string {
	switch {
	case r.Method == "CONNECT" || r.Method == "TRACE" || r.Method == "TRACK":
		return "the method " + r.Method + " is not sent through the gate"
	case r.Header.Get("Upgrade") != "" || r.Header.Get("Sec-Websocket-Key") != "":
		return "websockets and other upgrades are not sent: what comes behind them could be neither judged nor masked"
	case !strings.HasPrefix(r.Target, "/"):
		return "the target must begin with a slash: the host is the resource's own"
	case strings.HasPrefix(r.Target, "//"):
		return "the target begins with two slashes"
	case strings.ContainsFunc(r.Target, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("#\\\"<>^`{|}", r) }):
		return "the target holds a character that must be percent-encoded"
	case len(r.Odd) > 0:
		return r.Odd[0]
	}
	for name := range r.Header {
		switch {
		case name == "Range" || name == "If-Range":
			return "the header " + name + " asks for a part of an answer, which cannot be masked"
		case name == c.auth.field() || ours[name]:
			return "the header " + name + " is the gate's to set: leave it out"
		}
	}
	return ""
}

// request makes what is sent.
func (c *Conn) request(r *Request) *nethttp.Request {
	path, query, asked := strings.Cut(r.Target, "?")
	u := *c.base
	// Opaque is sent as it is.
	u.Opaque, u.RawQuery, u.ForceQuery = path, query, asked
	out := &nethttp.Request{Method: r.Method, URL: &u, Host: c.base.Host, Header: r.Header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "Sallyport")
	}
	if len(r.Body) > 0 {
		// Without GetBody, so that nobody can send it twice.
		out.Body, out.ContentLength = body(r.Body), int64(len(r.Body))
	}
	c.auth.put(out.Header)
	return out
}

// text is a request as people write it.
func (r *Request) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.Target)
	_ = r.Header.Write(&b) // a Builder takes everything
	return strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n" + string(r.Body)
}
