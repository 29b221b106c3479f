package server

import (
	"net"
	"sync"
)

// Limits bound connections. Zero means no bound.
type Limits struct {
	Connections    int // in all
	Anonymous      int // without an identity, in all
	AnonymousPerIP int // without an identity, from one address
	Channels       int // open session channels of one connection
}

// limiter counts connections: every one without an identity is a stranger's,
// from the first byte until it signs in or closes.
type limiter struct {
	l  Limits
	mu sync.Mutex
	// all counts connections, anon those without an identity, by address.
	all, anon int
	byIP      map[string]int
}

func newLimiter(l Limits) *limiter { return &limiter{l: l, byIP: map[string]int{}} }

// enter counts a new connection, or refuses it.
func (l *limiter) enter(addr net.Addr) (*place, bool) {
	ip := host(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	full := func(n, bound int) bool { return bound > 0 && n >= bound }
	if full(l.all, l.l.Connections) || full(l.anon, l.l.Anonymous) || full(l.byIP[ip], l.l.AnonymousPerIP) {
		return nil, false
	}
	l.all++
	l.anon++
	l.byIP[ip]++
	return &place{l: l, ip: ip, anon: true}, true
}

// place is one connection's seat.
type place struct {
	l          *limiter
	ip         string
	anon, gone bool // guarded by l.mu
}

// known gives the stranger's seat back: the connection has an identity now.
func (p *place) known() {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	p.release()
}

// leave gives all seats back. It may be called more than once.
func (p *place) leave() {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	if p.gone {
		return
	}
	p.release()
	p.gone = true
	p.l.all--
}

func (p *place) release() {
	if !p.anon {
		return
	}
	p.anon = false
	p.l.anon--
	if p.l.byIP[p.ip]--; p.l.byIP[p.ip] == 0 {
		delete(p.l.byIP, p.ip)
	}
}

func host(a net.Addr) string {
	if h, _, err := net.SplitHostPort(a.String()); err == nil {
		return h
	}
	return a.String()
}
