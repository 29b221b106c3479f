package oidctest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	scopeGroups   = "groups"
	tokenLifetime = 5 * time.Minute
	subjectPrefix = "demo-"
)

var errUnsupported = errors.New("this provider has the device grant only")

func subject(person string) string { return subjectPrefix + person }

// storage is what the op package asks for; refusing holds the rest.
type storage struct {
	refusing
	provider *Provider
	key      *signingKey
}

var (
	_ op.Storage                    = (*storage)(nil)
	_ op.DeviceAuthorizationStorage = (*storage)(nil)
	_ op.CanSetUserinfoFromRequest  = (*storage)(nil)
)

func (s *storage) StoreDeviceAuthorization(_ context.Context, client, device, user string, expires time.Time, scopes []string) error {
	return s.provider.codes.add(&grant{client: client, device: device, user: user, expires: expires, scopes: scopes})
}

func (s *storage) GetDeviceAuthorizatonState(_ context.Context, client, device string) (*op.DeviceAuthorizationState, error) {
	return s.provider.codes.poll(client, device)
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.provider.options.ClientID {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return client(id), nil
}

// SetUserinfoFromRequest fills an ID token, by scope as providers do.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	name := strings.TrimPrefix(r.GetSubject(), subjectPrefix)
	who, ok := s.provider.people[name]
	if !ok {
		return errors.New("no such person")
	}
	info.Subject = r.GetSubject()
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeProfile:
			info.Name, info.PreferredUsername = who.Name, who.Name
		case oidc.ScopeEmail:
			info.Email, info.EmailVerified = who.Email, true
		case scopeGroups:
			info.AppendClaims("groups", append([]string{}, who.Groups...)) // [] and not null
		}
	}
	return nil
}

// SetUserinfoFromScopes has no part in this, says the interface.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// CreateAccessToken gives out a token that opens nothing: there is no endpoint
// that takes one.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(tokenLifetime), nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{s.key.SignatureAlgorithm()}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.key}}, nil
}

func (s *storage) Health(context.Context) error { return nil }

// client is the one public client.
type client string

var _ op.Client = client("")

func (c client) GetID() string                      { return string(c) }
func (client) RedirectURIs() []string               { return nil }
func (client) PostLogoutRedirectURIs() []string     { return nil }
func (client) ApplicationType() op.ApplicationType  { return op.ApplicationTypeNative }
func (client) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethodNone }
func (client) ResponseTypes() []oidc.ResponseType   { return nil }
func (client) GrantTypes() []oidc.GrantType         { return []oidc.GrantType{oidc.GrantTypeDeviceCode} }
func (client) LoginURL(string) string               { return "" }
func (client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (client) IDTokenLifetime() time.Duration       { return tokenLifetime }
func (client) DevMode() bool                        { return false }
func (client) IsScopeAllowed(scope string) bool     { return scope == scopeGroups }
func (client) ClockSkew() time.Duration             { return 0 }
func (client) IDTokenUserinfoClaimsAssertion() bool { return true } // claims in the ID token itself
func (client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}
