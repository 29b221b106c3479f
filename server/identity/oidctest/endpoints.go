package oidctest

import (
	"net/http"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	op.Discover(w, &oidc.DiscoveryConfiguration{
		Issuer:                           p.issuer,
		TokenEndpoint:                    p.op.TokenEndpoint().Absolute(p.issuer),
		DeviceAuthorizationEndpoint:      p.op.DeviceAuthorizationEndpoint().Absolute(p.issuer),
		JwksURI:                          p.op.KeysEndpoint().Absolute(p.issuer),
		ScopesSupported:                  []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, scopeGroups},
		GrantTypesSupported:              []oidc.GrantType{oidc.GrantTypeDeviceCode},
		SubjectTypesSupported:            op.SubjectTypes(p.op),
		IDTokenSigningAlgValuesSupported: op.SigAlgorithms(r.Context(), p.op.Storage()),
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{
			oidc.AuthMethodNone,
		},
		ClaimsSupported: []string{"iss", "sub", "aud", "azp", "exp", "iat", "auth_time",
			"name", "preferred_username", "email", "email_verified", "groups"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, r *http.Request) {
	op.Keys(w, r, p.op.Storage())
}

func (p *Provider) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	if err := op.DeviceAuthorization(w, r, p.op); err != nil {
		p.refuse(w, err)
	}
}

// token is op.DeviceAccessToken without its log.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	resp, err := p.exchange(r)
	if err != nil {
		p.refuse(w, err)
		return
	}
	httphelper.MarshalJSON(w, resp)
}

func (p *Provider) exchange(r *http.Request) (*oidc.AccessTokenResponse, error) {
	id, _, err := op.ClientIDFromRequest(r, p.op)
	if err != nil {
		return nil, err
	}
	if g := r.PostForm.Get("grant_type"); g != string(oidc.GrantTypeDeviceCode) {
		return nil, oidc.ErrUnsupportedGrantType().WithDescription("device_code only")
	}
	client, err := p.op.Storage().GetClientByClientID(r.Context(), id)
	if err != nil {
		return nil, err
	}
	req, err := op.ParseDeviceAccessTokenRequest(r, p.op)
	if err != nil {
		return nil, err
	}
	state, err := op.CheckDeviceAuthorizationState(r.Context(), id, req.DeviceCode, p.op)
	if err != nil {
		return nil, err
	}
	return op.CreateDeviceTokenResponse(r.Context(), state, p.op, client)
}

func (p *Provider) refuse(w http.ResponseWriter, err error) {
	e := oidc.DefaultToServerError(err, "")
	status := http.StatusBadRequest
	switch e.ErrorType {
	case oidc.InvalidClient:
		status = http.StatusUnauthorized
	case oidc.ServerError:
		status = http.StatusInternalServerError
	}
	p.log.Debug("token request refused", "error", string(e.ErrorType))
	httphelper.MarshalJSONWithStatus(w, e, status)
}
