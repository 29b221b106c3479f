package main

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/server/config"
)

// newHTTPTarget is what an HTTP service has besides; nil for other kinds.
func newHTTPTarget(r config.Resource) (*connectors.HTTPTarget, error) {
	if r.Kind != "http" {
		return nil, nil
	}
	h := r.HTTP
	if h == nil {
		h = &config.HTTP{}
	}
	t := &connectors.HTTPTarget{Auth: h.Auth, Header: h.Header, TokenURL: h.TokenURL, Scopes: h.Scopes, Audience: h.Audience,
		Loopback: h.AllowLoopback, LinkLocal: h.AllowLinkLocal, LenientPaths: h.LenientPaths, MaxBody: h.MaxBody, Certificate: h.Certificate}
	key, err := newSecret("certificate of resource "+r.Name, h.CertificateKey)
	if err != nil {
		return nil, err
	}
	if key != nil {
		t.Key = func(ctx context.Context) (mask.Secret, error) { return key.Get(ctx) }
	}
	for _, q := range h.Requests {
		saved := connectors.SavedRequest{Name: q.Name, Description: q.Description, Method: cmp.Or(q.Method, "GET"), Path: q.Path, Body: q.Body}
		for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
			saved.Fields = append(saved.Fields, connectors.Field{Name: name, Value: q.Headers[name]})
		}
		t.Requests = append(t.Requests, saved)
	}
	return t, nil
}
