package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/mask"
)

// Sentinels of Flow.Wait and Provider.Start; their texts are for people. Errors
// that wrap them add a cause in words, which never holds a code or a token.
var (
	ErrDenied      = errors.New("the sign-in was denied")
	ErrExpired     = errors.New("the code expired before it was approved")
	ErrUnavailable = errors.New("the identity provider is not available")
	ErrToken       = errors.New("the identity provider's answer cannot be trusted")
)

const (
	maxWait      = 5 * time.Minute  // a device code's longest life
	leeway       = 60 * time.Second // how far two clocks may differ
	rediscover   = time.Hour        // how long endpoints and signing keys are taken for granted
	callTimeout  = 10 * time.Second // one request to the provider
	maxAnswer    = 1 << 20          // bytes of one answer
	maxToken     = 16 << 10         // bytes of an ID token
	maxRedirects = 3
)

// Config is how to reach and trust an OpenID provider.
type Config struct {
	Issuer         string
	InsecureIssuer bool // permits http, on loopback only
	ClientID       string
	ClientSecret   mask.Secret // empty for a public client
	Scopes         []string    // besides openid
	GroupsClaim    string      // "groups" if empty
	// Claims are the names of further claims to keep in the identity.
	Claims []string
	// MaxWait bounds a device code's life; 0 and more than 5 minutes mean 5 minutes.
	MaxWait time.Duration
	Now     func() time.Time // time.Now if nil
	Log     *slog.Logger     // none if nil
}

// Provider is an OpenID provider. Discovery happens at first use, again after a
// failure and again after an hour, so a bastion starts while its provider is
// down and a removed signing key is not trusted for ever. Safe for concurrent
// use. It is made by NewProvider only.
type Provider struct {
	config Config
	base   http.RoundTripper

	turn  chan struct{} // held by the one caller that discovers
	mu    sync.Mutex    // guards known
	known *endpoints
}

// endpoints is what discovery tells.
type endpoints struct {
	scopes []string
	oauth  oauth2.Config
	keys   oidc.KeySet
	found  time.Time
}

// NewProvider checks the configuration; it does not touch the network.
func NewProvider(c Config) (*Provider, error) {
	if c.ClientID == "" {
		return nil, errors.New("sign-in: client id is empty: register this bastion at the provider and set it")
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("sign-in: issuer %q is not a URL such as https://login.company", c.Issuer)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("sign-in: issuer %q: a user, query or fragment is not part of an issuer", u.Redacted())
	}
	if err := checkURL(u, c.InsecureIssuer); err != nil {
		return nil, fmt.Errorf("sign-in: issuer %q: %w", c.Issuer, err)
	}
	if c.MaxWait <= 0 || c.MaxWait > maxWait {
		c.MaxWait = maxWait
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = "groups"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	scopes := []string{oidc.ScopeOpenID}
	for _, s := range c.Scopes {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	c.Scopes = scopes
	return &Provider{config: c, base: newTransport(c.InsecureIssuer), turn: make(chan struct{}, 1)}, nil
}

// Check tries discovery, always anew. It returns ErrUnavailable where the
// provider does not answer or offers no device authorization, ErrToken where it
// answers as somebody else.
// advice is what is odd about it and no fault.
func (p *Provider) Check(ctx context.Context) (advice string, err error) {
	p.forget()
	e, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	if c := p.config.GroupsClaim; slices.Contains(e.scopes, c) && !slices.Contains(p.config.Scopes, c) {
		advice = fmt.Sprintf("it knows a scope %q, which sign_in.scopes does not ask for: without it, it may tell no groups", c)
	}
	return advice, nil
}

func (p *Provider) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = nil
}

func (p *Provider) fresh() *endpoints {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		return nil
	}
	// A clock that was set back makes the age negative: ask again then too.
	if age := p.config.Now().Sub(p.known.found); age < 0 || age > rediscover {
		return nil
	}
	return p.known
}

// discover returns the provider's endpoints. Callers that arrive during a
// discovery wait for its result instead of starting their own.
func (p *Provider) discover(ctx context.Context) (*endpoints, error) {
	if e := p.fresh(); e != nil {
		return e, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("discover the identity provider: %w", context.Cause(ctx))
	}
	if e := p.fresh(); e != nil {
		return e, nil
	}
	e, err := p.fetch(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.known = e
	p.mu.Unlock()
	return e, nil
}

// fetch does OpenID Connect Discovery 1.0 and checks what came back.
func (p *Provider) fetch(ctx context.Context) (*endpoints, error) {
	client := &http.Client{Transport: p.base, CheckRedirect: checkRedirect, Timeout: callTimeout}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.config.Issuer)
	if err != nil {
		return nil, p.discoveryError(ctx, err)
	}
	var more struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		Scopes  []string `json:"scopes_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: its discovery document does not parse: %s", ErrToken, clean(err.Error()))
	}
	at := found.Endpoint()
	at.AuthStyle = authStyle(p.config.ClientSecret.Empty(), more.Methods)
	if at.DeviceAuthURL == "" {
		return nil, fmt.Errorf("%w: %q offers no device authorization (RFC 8628): enable the device grant there", ErrUnavailable, p.config.Issuer)
	}
	for name, raw := range map[string]string{
		"device_authorization_endpoint": at.DeviceAuthURL, "token_endpoint": at.TokenURL, "jwks_uri": more.Keys,
	} {
		u, err := url.Parse(raw)
		if err == nil {
			err = checkURL(u, p.config.InsecureIssuer)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: its %s: %s", ErrToken, name, clean(err.Error()))
		}
	}
	return &endpoints{
		oauth: oauth2.Config{
			ClientID: p.config.ClientID, ClientSecret: string(p.config.ClientSecret.Reveal()),
			Endpoint: at, Scopes: p.config.Scopes,
		},
		keys:   oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), client), more.Keys),
		found:  p.config.Now(),
		scopes: more.Scopes,
	}, nil
}

func (p *Provider) discoveryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("discover the identity provider: %w", context.Cause(ctx))
	}
	if wrong := (*oidc.IssuerMismatchError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w: %q calls itself %q: set the issuer to exactly that, if it is yours",
			ErrToken, wrong.Provided, clean(wrong.Discovered))
	}
	return fmt.Errorf("%w: discover %q: %s", ErrUnavailable, p.config.Issuer, clean(err.Error()))
}

// authStyle says how the client proves itself. It is never left to be probed:
// each poll would then be sent twice, which a provider answers with slow_down.
func authStyle(public bool, methods []string) oauth2.AuthStyle {
	basic := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if !public && (basic || !slices.Contains(methods, "client_secret_post")) {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// checkURL refuses everything but https, and http on loopback where permitted.
func checkURL(u *url.URL, insecure bool) error {
	switch {
	case u.Host == "" || u.Hostname() == "":
		return errors.New("no host in it")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("scheme %q: https is needed", u.Scheme)
	case !insecure:
		return errors.New("http can be read and changed on its way: use https (insecure_issuer permits http on loopback)")
	case !loopback(u.Hostname()):
		return fmt.Errorf("http to %q: insecure_issuer permits loopback only (localhost, 127.0.0.0/8, ::1)", u.Hostname())
	}
	return nil
}

// loopback reports whether host can only be this machine. A name other than
// localhost is not looked up: what it resolves to can change after the check.
func loopback(host string) bool {
	if host == "localhost" {
		return true // the dialer checks what it resolved to
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
