package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/policy"
)

// Flow is one device authorization in progress. Its exported fields are for the
// screen: the page to open, the same page with the code filled in (may be
// empty), the code as the provider writes it, and when it ends.
type Flow struct {
	URL, CompleteURL, Code string
	Expires                time.Time

	p        *Provider
	at       *endpoints
	da       *oauth2.DeviceAuthResponse // holds the device code
	started  time.Time                  // by the provider's clock function
	deadline time.Time                  // by the machine's
	waited   atomic.Bool
	note     atomic.Pointer[string]
}

// Start asks for a device and user code. It returns ErrUnavailable where the
// provider does not answer or refuses, ErrToken where its answer makes no sense.
func (p *Provider) Start(ctx context.Context) (*Flow, error) {
	at, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	ask := &asking{ctx: ctx, base: p.base}
	var more []oauth2.AuthCodeOption
	if secret := at.oauth.ClientSecret; secret != "" {
		if at.oauth.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
			ask.user, ask.pass = url.QueryEscape(at.oauth.ClientID), url.QueryEscape(secret) // RFC 6749 section 2.3.1
		} else {
			more = append(more, oauth2.SetAuthURLParam("client_secret", secret))
		}
	}
	client := &http.Client{Transport: ask, CheckRedirect: checkRedirect}
	begun := time.Now()
	da, err := at.oauth.DeviceAuth(context.WithValue(ctx, oauth2.HTTPClient, client), more...)
	if err != nil {
		p.forget() // the endpoint may have moved
		return nil, startError(ctx, err, at.oauth.ClientSecret)
	}
	return p.newFlow(at, da, begun)
}

// newFlow checks the answer of RFC 8628 section 3.2.
func (p *Provider) newFlow(at *endpoints, da *oauth2.DeviceAuthResponse, begun time.Time) (*Flow, error) {
	life := p.config.MaxWait
	if !da.Expiry.IsZero() {
		life = min(life, da.Expiry.Sub(begun))
	}
	every := time.Duration(da.Interval) * time.Second
	switch {
	case da.DeviceCode == "":
		return nil, fmt.Errorf("%w: it sent no device code", ErrToken)
	case !showable(da.UserCode, 64):
		return nil, fmt.Errorf("%w: it sent no user code that can be shown", ErrToken)
	case life <= 0:
		return nil, fmt.Errorf("%w: its code has expired already", ErrToken)
	case da.Interval < 0 || da.Interval > int64(maxWait/time.Second) || every >= life:
		return nil, fmt.Errorf("%w: a poll every %d s, with a code that lives %s", ErrToken, da.Interval, life.Round(time.Second))
	}
	if err := p.checkLink(da.VerificationURI); err != nil {
		return nil, fmt.Errorf("%w: its verification_uri: %w", ErrToken, err)
	}
	if p.checkLink(da.VerificationURIComplete) != nil {
		da.VerificationURIComplete = "" // the plain one is enough
	}
	now := p.config.Now()
	f := &Flow{
		URL: da.VerificationURI, CompleteURL: da.VerificationURIComplete, Code: da.UserCode,
		Expires: now.Add(life), started: now, deadline: begun.Add(life),
		p: p, at: at, da: da,
	}
	da.Expiry = f.deadline
	return f, nil
}

// checkLink guards what becomes a link on a screen and in a QR code.
func (p *Provider) checkLink(raw string) error {
	if !showable(raw, 1024) {
		return errors.New("missing, too long, or not printable ASCII")
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return errors.New("not a plain URL")
	}
	return checkURL(u, p.config.InsecureIssuer)
}

func showable(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) })
}

// Wait polls until the person has answered and returns the verified identity. It
// returns ErrDenied, ErrExpired, ErrUnavailable or ErrToken, each with a cause in
// words, or the cause of ctx's end. It honours the provider's interval and
// slow_down, and outlasts a few unanswered polls. It can be called once.
func (f *Flow) Wait(ctx context.Context) (policy.Identity, error) {
	if f.waited.Swap(true) {
		return policy.Identity{}, errors.New("wait for a sign-in: already waited for; start another")
	}
	poll := &patient{base: f.p.base}
	// The deadline is ours too: the oauth2 package reports only its own context's.
	inner, cancel := context.WithDeadlineCause(ctx, f.deadline, ErrExpired)
	defer cancel()
	client := &http.Client{Transport: poll, CheckRedirect: checkRedirect}
	tok, err := f.at.oauth.DeviceAccessToken(context.WithValue(inner, oauth2.HTTPClient, client), f.da)
	f.da = nil
	if err != nil {
		return policy.Identity{}, waitError(ctx, inner, err, poll)
	}
	raw, _ := tok.Extra("id_token").(string)
	if raw == "" {
		return policy.Identity{}, fmt.Errorf("%w: it sent no ID token: allow this client the scope openid", ErrToken)
	}
	c, err := f.p.verify(ctx, f.at, raw, f.started)
	if err != nil {
		f.p.forget() // keys or endpoints may have changed
		return policy.Identity{}, err
	}
	id, note := f.p.identity(c)
	f.note.Store(&note)
	return id, nil
}

// GroupsNote says, after Wait has returned an identity without groups, why there
// are none and what to do. It is empty otherwise. Safe for concurrent use.
func (f *Flow) GroupsNote() string {
	if n := f.note.Load(); n != nil {
		return *n
	}
	return ""
}

func startError(ctx context.Context, err error, secret string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("start a sign-in: %w", context.Cause(ctx))
	}
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
		words := refusal(refused)
		if d := clean(refused.ErrorDescription); d != "" && (secret == "" || !strings.Contains(d, secret)) {
			words += ": " + d
		}
		return fmt.Errorf("%w: it refused to start a sign-in (%s)", ErrUnavailable, words)
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return fmt.Errorf("%w: %s", ErrUnavailable, clean(failed.Error()))
	}
	return fmt.Errorf("%w: its answer to the start of a sign-in does not parse", ErrToken)
}

func waitError(outer, inner context.Context, err error, poll *patient) error {
	if outer.Err() != nil {
		return fmt.Errorf("wait for a sign-in: %w", context.Cause(outer))
	}
	if poll.misses >= maxMisses || inner.Err() != nil && poll.misses > 0 {
		return fmt.Errorf("%w: %s", ErrUnavailable, poll.last)
	}
	if inner.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return ErrExpired
	}
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
		switch refused.ErrorCode {
		case "access_denied":
			return ErrDenied
		case "expired_token", "invalid_grant": // some providers forget an expired code at once
			return ErrExpired
		}
		return fmt.Errorf("%w: it refused the sign-in (%s)", ErrUnavailable, refusal(refused))
	}
	// The oauth2 package's texts are about the answer's form; the answer itself
	// may hold a token and stays out.
	return fmt.Errorf("%w: its answer to a poll is not a token answer (RFC 6749 section 5.1)", ErrToken)
}

// refusal names an OAuth error without its body, which might echo a secret.
func refusal(e *oauth2.RetrieveError) string {
	words := fmt.Sprintf("HTTP %d", e.Response.StatusCode)
	if code := e.ErrorCode; showable(code, 40) && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == "" {
		words = code + ", " + words
	}
	return words
}
