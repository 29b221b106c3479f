package connectors

import (
	"context"

	"github.com/sallyport/sallyport/mask"
)

// HTTPTarget is what an Endpoint of the kind http has besides: Endpoint.Address is
// its origin, https://host[:port].
type HTTPTarget struct {
	// Auth says how the credential is presented: header, basic (Endpoint.User is the
	// name), bearer, oauth2 (client credentials; Endpoint.User is the client); "" has
	// none.
	Auth string
	// Header is the field that carries the credential, with Auth header.
	Header string
	// TokenURL, Scopes and Audience are those of oauth2.
	TokenURL string
	Scopes   []string
	Audience string
	// Loopback and LinkLocal permit such addresses: what their names lead to when a
	// connection is made is checked otherwise. Clouds keep metadata and credentials at
	// link-local ones.
	Loopback, LinkLocal bool
	// LenientPaths is set for services that tell neither /Admin nor /admin/ from
	// /admin: rules see the last form.
	LenientPaths bool
	// MaxBody bounds an answer's body in bytes, decompressed; 0 is the terms' alone.
	MaxBody int64
	// Certificate is the path of a PEM file with the client's certificate, "" for
	// none; Key fetches its private key, which the caller destroys.
	Certificate string
	Key         func(ctx context.Context) (mask.Secret, error)
	// Requests are saved for everybody.
	Requests []SavedRequest
}

// SavedRequest is a request to begin with. Path, fields and body may hold
// {placeholders}, which people fill in.
type SavedRequest struct {
	Name        string
	Description string
	Method      string
	Path        string
	Fields      []Field
	Body        string
}
