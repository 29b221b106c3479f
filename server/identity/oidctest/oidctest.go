package oidctest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	maxLifetime = 5 * time.Minute
	maxBody     = 64 << 10
	pagePath    = "/device"
)

// Person is somebody the provider vouches for. Name is what is chosen on the
// page; the subject is made from it and stays the same.
type Person struct {
	Name, Email string
	Groups      []string
}

// Options says what to run. ClientID and People are needed.
type Options struct {
	// Listen is a loopback address, host:port; "127.0.0.1:0" if empty. The issuer
	// is made from it, so a fixed port keeps the issuer over a restart.
	Listen   string
	ClientID string // a public client
	People   []Person
	// Key is the file of the signing key (PEM, mode 0600), made if it is missing,
	// so that a restarted provider is the same. Empty: a new key each time.
	Key string
	// Lifetime of codes, at most and by default 5 minutes.
	Lifetime time.Duration
	// Interval between polls, in whole seconds, 1 s by default.
	Interval time.Duration
	Log      *slog.Logger // nothing is logged if nil
}

// Provider is a running OpenID provider. Safe for concurrent use. Made by New only.
type Provider struct {
	options Options
	issuer  string
	people  map[string]Person
	codes   *codes
	page    *page
	op      *op.Provider
	handler http.Handler
	server  *http.Server
	served  chan error
	log     *slog.Logger
}

// New listens and serves until Close.
func New(o Options) (*Provider, error) {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.Interval = max(o.Interval.Truncate(time.Second), time.Second)
	if o.Lifetime <= 0 || o.Lifetime > maxLifetime {
		o.Lifetime = maxLifetime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	people, err := index(o)
	if err != nil {
		return nil, err
	}
	key, err := loadKey(o.Key)
	if err != nil {
		return nil, err
	}
	l, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		options: o, issuer: "http://" + l.Addr().String(), people: people,
		codes: newCodes(o.Interval), page: newPage(), served: make(chan error, 1), log: o.Log,
	}
	if err := p.build(key); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	p.server = &http.Server{
		Handler: p.handler, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}
	go func() { p.served <- p.server.Serve(l) }()
	return p, nil
}

// Issuer is the provider's name and address, such as http://127.0.0.1:8080.
func (p *Provider) Issuer() string { return p.issuer }

// URL is the address of the page that approves sign-ins.
func (p *Provider) URL() string { return p.issuer + pagePath }

// Handler is what the provider serves; it too refuses peers that are not on
// loopback and Hosts other than the issuer's.
func (p *Provider) Handler() http.Handler { return p.handler }

// Close stops the provider: it waits for requests under way until ctx ends, then
// cuts them off.
func (p *Provider) Close(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, p.server.Close())
	}
	if serr := <-p.served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	p.served <- http.ErrServerClosed // a second Close finds the same
	return err
}

func index(o Options) (map[string]Person, error) {
	if o.ClientID == "" || len(o.People) == 0 {
		return nil, errors.New("start the demo's OpenID provider: it needs a client and people")
	}
	people := make(map[string]Person, len(o.People))
	for _, who := range o.People {
		if _, twice := people[who.Name]; twice || who.Name == "" {
			return nil, fmt.Errorf("start the demo's OpenID provider: person %q is unnamed or there twice", who.Name)
		}
		people[who.Name] = who
	}
	return people, nil
}

// listen refuses every address but loopback, before and after it is resolved.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.Unmap().IsLoopback()) {
		return nil, fmt.Errorf("listen on %q: this provider signs anybody in as anybody: loopback only", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("listen on %q: %s is not loopback", address, l.Addr()), l.Close())
	}
	return l, nil
}

// build puts the handler together. The op package's own router is not used: it
// serves more than is wanted, and logs every pending poll through slog.Default.
func (p *Provider) build(key *signingKey) error {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	o, err := op.NewProvider(&op.Config{
		CryptoKey: secret,
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime: p.options.Lifetime, PollInterval: p.options.Interval,
			UserFormPath: pagePath, UserCode: op.UserCodeBase20,
		},
	}, &storage{provider: p, key: key}, op.StaticIssuer(p.issuer), op.WithAllowInsecure())
	if err != nil {
		return fmt.Errorf("start the demo's OpenID provider: %w", err)
	}
	p.op = o
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET "+o.KeysEndpoint().Relative(), p.keys)
	mux.HandleFunc("POST "+o.DeviceAuthorizationEndpoint().Relative(), p.authorizeDevice)
	mux.HandleFunc("POST "+o.TokenEndpoint().Relative(), p.token)
	mux.HandleFunc("GET "+pagePath, p.showPage)
	mux.HandleFunc("POST "+pagePath, p.answerPage)
	p.handler = p.fence(mux)
	return nil
}

// fence lets in only peers on loopback who ask for this very host: a name that
// an attacker's DNS points at 127.0.0.1 is not ours.
func (p *Provider) fence(next http.Handler) http.Handler {
	host := p.issuer[len("http://"):]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !peer.Addr().Unmap().IsLoopback() || r.Host != host {
			http.Error(w, "this provider answers on loopback, at "+p.issuer+", only", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r.WithContext(op.ContextWithIssuer(r.Context(), p.issuer)))
	})
}
