package oidctest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	maxPending = 1000        // device codes kept at once
	remember   = time.Minute // how long a spent code is still told from a wrong one
)

var (
	errUnknownCode = errors.New("no sign-in has this code: compare it with the terminal")
	errUsedCode    = errors.New("this code was answered already: start another sign-in")
	errExpiredCode = errors.New("this code has expired: start another sign-in")
	errFull        = errors.New("too many sign-ins are waiting: try again in a minute")
)

// grant is one device authorization.
type grant struct {
	user, device string // the two codes
	client       string
	scopes       []string
	expires      time.Time
	polled       time.Time
	answered     bool
	person       string // who approved; empty: denied
	answeredAt   time.Time
	spent        bool // tokens were issued
}

// codes holds the device authorizations.
type codes struct {
	interval time.Duration

	mu       sync.Mutex // guards the below
	byUser   map[string]*grant
	byDevice map[string]*grant
}

func newCodes(interval time.Duration) *codes {
	return &codes{interval: interval, byUser: map[string]*grant{}, byDevice: map[string]*grant{}}
}

func (c *codes) add(g *grant) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, old := range c.byUser {
		if now.After(old.expires.Add(remember)) {
			delete(c.byUser, old.user)
			delete(c.byDevice, old.device)
		}
	}
	if len(c.byUser) >= maxPending {
		return errFull
	}
	if c.byUser[g.user] != nil {
		return op.ErrDuplicateUserCode
	}
	c.byUser[g.user], c.byDevice[g.device] = g, g
	return nil
}

// answer approves for a person, or denies if person is empty; once.
func (c *codes) answer(user, person string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, now := c.byUser[canonical(user)], time.Now()
	switch {
	case g == nil:
		return errUnknownCode
	case g.answered:
		return errUsedCode
	case !now.Before(g.expires):
		return errExpiredCode
	}
	g.answered, g.person, g.answeredAt = true, person, now
	return nil
}

// poll is RFC 8628 section 3.5. Tokens are given once.
func (c *codes) poll(client, device string) (*op.DeviceAuthorizationState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, now := c.byDevice[device], time.Now()
	if g == nil || g.client != client || g.spent {
		return nil, errUnknownCode
	}
	// Half the interval, so that a client is not slowed down for a late timer.
	soon := now.Sub(g.polled) < c.interval/2
	g.polled = now
	if soon {
		return nil, context.DeadlineExceeded // the op package says slow_down to this
	}
	s := &op.DeviceAuthorizationState{
		ClientID: g.client, Audience: []string{g.client}, Scopes: g.scopes, Expires: g.expires,
	}
	if !g.answered || !now.Before(g.expires) {
		return s, nil
	}
	s.Denied, s.Done = g.person == "", g.person != ""
	s.Subject, s.AuthTime = subject(g.person), g.answeredAt
	g.spent = true
	return s, nil
}

// canonical is a user code as this provider writes it: RFC 8628 section 6.1 asks
// to be lenient about case and punctuation.
func canonical(code string) string {
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(op.CharSetBase20, r) {
			return r
		}
		return -1
	}, strings.ToUpper(code))
	if len(letters) != op.UserCodeBase20.CharAmount || len(code) > 32 {
		return ""
	}
	return letters[:4] + "-" + letters[4:]
}
