package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/textproto"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// The words of HTTPTarget.Auth.
const (
	authHeader = "header"
	authBasic  = "basic"
	authBearer = "bearer"
	authOAuth2 = "oauth2"
)

// Auths are the ways to present a credential.
func Auths() []string { return []string{authHeader, authBasic, authBearer, authOAuth2} }

// credential is what every request carries. It is safe for concurrent use.
type credential struct {
	auth, user, header string
	config             clientcredentials.Config // of oauth2, without its secret
	tokens             *nethttp.Transport       // to the token's endpoint

	mu     sync.Mutex
	secret mask.Secret // a copy
	token  mask.Secret
	until  time.Time
	strip  *stripper  // of the secret and the last tokens
	texts  []string   // the forms of the secret
	recent [][]string // those of the last tokens
}

// maxTokens is how many tokens are known in answers: the one in use, and those
// before it that a service may still tell of. Each costs memory in all its forms.
const maxTokens = 4

func newCredential(e connectors.Endpoint, secret mask.Secret, tokens *nethttp.Transport) (*credential, error) {
	t := e.HTTP
	c := &credential{auth: t.Auth, user: e.User, header: textproto.CanonicalMIMEHeaderKey(t.Header), tokens: tokens,
		config: clientcredentials.Config{ClientID: e.User, TokenURL: t.TokenURL, Scopes: t.Scopes, EndpointParams: url.Values{}}}
	if t.Audience != "" {
		c.config.EndpointParams.Set("audience", t.Audience)
	}
	c.secret = mask.NewSecret(append([]byte(nil), secret.Reveal()...))
	text := string(secret.Reveal())
	switch {
	case c.auth == "":
		c.secret.Destroy()
		c.secret = mask.Secret{}
	case len(text) < leastSecret:
		return nil, fmt.Errorf("%w: it is shorter than %d bytes, so that it could not be told from other text in an answer", connectors.ErrCredential, leastSecret)
	case control(text):
		return nil, fmt.Errorf("%w: it holds a line end or another control character", connectors.ErrCredential)
	}
	switch c.auth {
	case "":
	case authBasic:
		c.hide(text, base64.StdEncoding.EncodeToString([]byte(c.user+":"+text)))
	default:
		c.hide(text)
	}
	if c.strip == nil {
		c.strip = newStripper(nil)
	}
	return c, nil
}

// hide adds texts that must not come back, besides the last tokens.
func (c *credential) hide(texts ...string) {
	for _, t := range texts {
		c.texts = append(c.texts, forms(t)...)
	}
	c.strip = newStripper(slices.Concat(append([][]string{c.texts}, c.recent...)...))
}

// field is the name of the header field that carries the credential.
func (c *credential) field() string {
	switch c.auth {
	case "":
		return ""
	case authHeader:
		return c.header
	}
	return "Authorization"
}

// stripper knows the secret and the last tokens.
func (c *credential) stripper() *stripper {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strip
}

// put puts the credential into a request.
func (c *credential) put(h nethttp.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.auth {
	case authHeader:
		h.Set(c.header, string(c.secret.Reveal()))
	case authBasic:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.user+":"+string(c.secret.Reveal()))))
	case authBearer:
		h.Set("Authorization", "Bearer "+string(c.secret.Reveal()))
	case authOAuth2:
		h.Set("Authorization", "Bearer "+string(c.token.Reveal()))
	}
}

// tokenTime bounds fetching a token; early is how long before its end it is
// fetched anew.
const (
	tokenTime = 15 * time.Second
	early     = 10 * time.Second
)

// fetch sees to it that there is a token, where one is needed. Asking for it is
// noted.
func (c *credential) fetch(ctx context.Context, g connectors.Guard) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.auth != authOAuth2 || !c.token.Empty() && (c.until.IsZero() || time.Now().Before(c.until.Add(-early))) {
		return nil
	}
	if err := g.Note(ctx, "POST "+c.config.TokenURL+" (a token for the client "+c.user+")"); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, tokenTime, errSlow)
	defer cancel()
	config := c.config
	config.ClientSecret = string(c.secret.Reveal())
	t, err := config.Token(context.WithValue(limited, oauth2.HTTPClient, &nethttp.Client{Transport: c.tokens,
		CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}))
	if err != nil {
		return ended(limited, tokenError(err))
	}
	if len(t.AccessToken) < leastSecret || control(t.AccessToken) {
		return fmt.Errorf("%w: the token that its endpoint gave is none", connectors.ErrProtocol)
	}
	c.token.Destroy()
	c.token, c.until = mask.NewSecret([]byte(t.AccessToken)), t.Expiry
	c.recent = append(c.recent, forms(t.AccessToken))
	c.recent = c.recent[max(0, len(c.recent)-maxTokens):]
	c.hide()
	return nil
}

// tokenError is made of what kind of error it was alone: the library puts what the
// endpoint said into its text.
func tokenError(err error) error {
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &said) && said.Response != nil && said.Response.StatusCode/100 == 4:
		return fmt.Errorf("%w: the token's endpoint answered %s", connectors.ErrCredential, connectors.StatusText(said.Response.StatusCode))
	case errors.As(err, &said) && said.Response != nil:
		return fmt.Errorf("%w: the token's endpoint answered %s", connectors.ErrUnreachable, connectors.StatusText(said.Response.StatusCode))
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return fmt.Errorf("the token's endpoint: %w", exchangeError(urlErr.Err))
	}
	return fmt.Errorf("%w: what the token's endpoint answered is no token", connectors.ErrProtocol)
}

// refused forgets a token that the service does not take, so that the next request
// fetches another.
func (c *credential) refused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token.Destroy()
	c.token = mask.Secret{}
}

// destroy overwrites what is kept.
func (c *credential) destroy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secret.Destroy()
	c.token.Destroy()
	c.tokens.CloseIdleConnections()
}
