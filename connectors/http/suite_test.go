package http

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// web is what the suite asks of the service.
func web(s *service) *connectortest.Web {
	return &connectortest.Web{
		Action: "http", Read: "GET /read\n\n", Status: 200, Body: "hello\n", Missing: "GET /none\n\n",
		Effect: "POST /effect\nContent-Type: text/plain\n\nx", Observe: func(testing.TB) string { return fmt.Sprint(s.effects.Load()) },
		Stream: "GET /stream\n\n", FirstLine: "data: first\n", Release: func() { s.release <- struct{}{} },
		Slow: "GET /slow\n\n", Large: func(n int) string { return fmt.Sprintf("GET /large/%d\n\n", n) },
		Plan: mask.Options{Detect: []string{"email"}, Paths: []mask.PathRule{
			{Name: "pins", Path: "$.customers[*].pin"}, {Name: "pins", Path: "$.**.cards"}}},
		Masked: func(n int) string { return fmt.Sprintf("GET /masked/%d\n\n", n) }, Pieces: 40,
		Cleartext: []string{"pin-of-ann", "pin-of-card", `ann\u0040example.com`, "4711004711"}, Remains: []string{`"Ann"`, `"Bob"`, `"total":2`},
		Echo: "POST /echo\nX-Mine: 1\n\nbody",
	}
}

// faults are what an HTTP/1 service can do wrong.
func faults() []connectortest.WebFault {
	return []connectortest.WebFault{
		{Name: "the credential is refused", Text: "GET /status/401\n\n", Want: connectors.ErrCredential},
		{Name: "the head is too long", Proves: connectortest.Oversized, Text: "GET /head\n\n", Want: connectors.ErrProtocol},
		{Name: "no HTTP", Text: raw("SSH-2.0-OpenSSH_9.9\r\n") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "a broken field", Text: raw("HTTP/1.1 200 OK\r\nbroken\r\n\r\n") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "two lengths", Text: raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "a broken chunk", Text: raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "a change of protocol", Text: raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "no gzip", Text: raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot a gzip!!") + "\n\n", Want: connectors.ErrProtocol},
		{Name: "vanished before the answer", Text: raw("") + "\n\n", Want: connectors.ErrVanished},
		{Name: "vanished in the head", Text: raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n") + "\n\n", Want: connectors.ErrVanished},
		{Name: "vanished in the body", Text: raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") + "\n\n", Want: connectors.ErrVanished},
		{Name: "vanished in a chunk", Text: raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nabc") + "\n\n", Want: connectors.ErrVanished},
		{Name: "a target on another host", Text: "GET http://example.com/\n\n", Want: connectors.ErrUnsupported},
		{Name: "a credential of one's own", Text: "GET /read\nAuthorization: Bearer mine\n\n", Want: connectors.ErrUnsupported},
		{Name: "a part of an answer", Text: "GET /read\nRange: bytes=1-2\n\n", Want: connectors.ErrUnsupported},
		{Name: "a websocket", Text: "GET /read\nConnection: upgrade\nUpgrade: websocket\n\n", Want: connectors.ErrUnsupported},
	}
}

// wrong is a credential that the service refuses when it is presented, which is
// with the first request.
func wrong(e connectors.Endpoint) connectortest.Fault {
	return connectortest.Fault{Name: "another credential", Endpoint: e, Secret: "another-Quince-5150", Want: connectors.ErrCredential}
}

func target(s *service, e connectors.Endpoint) connectortest.Target {
	return connectortest.Target{Driver: New(), Endpoint: e, Secret: canary,
		Sessions: func(testing.TB) int { return int(s.conns.Load()) }, Active: func(testing.TB) int { return int(s.active.Load()) }, Web: web(s),
		// The first line of an answer, and a field of it, that have no end.
		Greetings: [][]byte{[]byte("HTTP/1.1 200 "), []byte("HTTP/1.1 200 OK\r\nX: ")}}
}

// TestSuite proves the kind against Go's own server, over HTTP/1.
func TestSuite(t *testing.T) {
	s := newService("Bearer " + canary)
	at := target(s, start(t, s, nil, nil))
	at.Web.Faults = faults()
	e := at.Endpoint
	e.Address = strings.Replace(e.Address, "http:", "https:", 1)
	at.Faults = []connectortest.Fault{{Name: "no TLS there", Endpoint: e, Secret: canary, Want: connectors.ErrProtocol}, wrong(at.Endpoint)}
	connectortest.Run(t, at)
}

// TestSuiteTLS does so over TLS and HTTP/2.
func TestSuiteTLS(t *testing.T) {
	s, ca := newService("Bearer "+canary), newCertifier(t)
	at := target(s, start(t, s, ca, nil))
	at.Web.Faults = []connectortest.WebFault{faults()[0], faults()[1]}
	stranger := at.Endpoint
	stranger.TLSRootCA = newCertifier(t).file
	at.Faults = []connectortest.Fault{{Name: "another authority", Endpoint: stranger, Secret: canary, Want: connectors.ErrHostKey}, wrong(at.Endpoint)}
	connectortest.Run(t, at)
}
