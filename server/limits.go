package server

import (
	"net"
	"slices"
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
// from the first byte until it signs in, proves a remembered key, or closes. When
// the strangers' seats are taken, the oldest that has not even shaken hands gives
// way to the new one, so that idle connections lock nobody out.
type limiter struct {
	l  Limits
	mu sync.Mutex
	// all counts connections, anon those without an identity, by address.
	all, anon int
	byIP      map[string]int
	// silent are those that have not shaken hands, oldest first.
	silent []*place
}

func newLimiter(l Limits) *limiter { return &limiter{l: l, byIP: map[string]int{}} }

// enter counts a new connection, or refuses it. drop closes it.
func (l *limiter) enter(addr net.Addr, drop func()) (*place, bool) {
	ip := host(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	full := func(n, bound int) bool { return bound > 0 && n >= bound }
	if full(l.byIP[ip], l.l.AnonymousPerIP) && !l.evict(func(p *place) bool { return p.ip == ip }) {
		return nil, false
	}
	if (full(l.all, l.l.Connections) || full(l.anon, l.l.Anonymous)) && !l.evict(func(*place) bool { return true }) {
		return nil, false
	}
	l.all++
	l.anon++
	l.byIP[ip]++
	p := &place{l: l, ip: ip, anon: true, drop: drop}
	l.silent = append(l.silent, p)
	return p, true
}

// evict closes the oldest silent connection that ok picks, and reports whether
// there was one. Called with mu held.
func (l *limiter) evict(ok func(*place) bool) bool {
	i := slices.IndexFunc(l.silent, ok)
	if i < 0 {
		return false
	}
	p := l.silent[i]
	p.end()
	go p.drop() // which comes back to leave
	return true
}

// place is one connection's seat.
type place struct {
	l          *limiter
	ip         string
	drop       func()
	anon, gone bool // guarded by l.mu
}

// shaken says that the handshake is done: the connection gives way to none.
func (p *place) shaken() {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	p.speaks()
}

// speaks takes the place out of the silent ones. Called with l.mu held.
func (p *place) speaks() {
	p.l.silent = slices.DeleteFunc(p.l.silent, func(q *place) bool { return q == p })
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
	p.end()
}

// end gives all seats back, once. Called with l.mu held.
func (p *place) end() {
	if p.gone {
		return
	}
	p.speaks()
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
