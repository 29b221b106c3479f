package config

import (
	"strings"
	"testing"
)

// TestHTTPFaults: what an HTTP service must not say, and where it is told.
func TestHTTPFaults(t *testing.T) {
	const head = "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\nresources:\n  - {name: api, kind: http, "
	for keys, want := range map[string]string{
		"address: api.acme.example":                                                                        "this is no address of a service",
		"address: ftp://api.acme.example":                                                                  "this is no address of a service",
		"address: https://":                                                                                "this is no address of a service",
		"address: https://u:hunter2@api.acme.example":                                                      "give them by user and password",
		"address: https://api.acme.example/v1":                                                             "ends with the host",
		"address: https://a, tls: disable":                                                                 "has no tls",
		"address: https://a, host_keys: [x]":                                                               "has no host_keys",
		"address: https://a, password: {env: A}":                                                           "no word how it is presented",
		"address: https://a, http: {auth: bearer}":                                                         "a credential is needed",
		"address: https://a, password: {env: A}, http: {auth: basik}":                                      `did you mean "basic"`,
		"address: https://a, password: {env: A}, http: {auth: basic}":                                      "needs a user",
		"address: https://a, user: u, password: {env: A}, http: {auth: bearer}":                            "take it away",
		"address: https://a, password: {env: A}, http: {auth: header}":                                     "no header field that can carry",
		"address: https://a, password: {env: A}, http: {auth: header, header: Host}":                       "no header field that can carry",
		"address: https://a, password: {env: A}, http: {auth: bearer, header: X}":                          "a header is for auth: header",
		"address: https://a, password: {env: A}, http: {auth: bearer, scopes: [x]}":                        "are for auth: oauth2",
		"address: https://a, user: u, password: {env: A}, http: {auth: oauth2}":                            "a URL is needed",
		"address: https://a, user: u, password: {env: A}, http: {auth: oauth2, token_url: \"http://b/t\"}": "without TLS",
		"address: https://a, http: {certificate: c.pem}":                                                   "given together",
		"address: https://a, http: {certificate_key: hunter2}":                                             "certificate_key",
		"address: https://a, http: {max_body: -1}":                                                         "cannot be",
		"address: https://a, http: {requests: [{name: x, path: y}]}":                                       "is no path",
		"address: https://a, http: {requests: [{name: x, path: /y}, {name: x, path: /z}]}":                 "another request is named",
		"address: https://a, http: {requests: [{name: x, path: /y, method: get}]}":                         "is no method",
		"address: https://a, http: {requests: [{name: x, path: /y, headers: {Authorization: hunter2}}]}":   "cannot be sent",
		"address: https://a, http: {requests: [{name: x, path: /y, headers: {Cookie: a}}]}":                "cannot be sent",
	} {
		_, err := Parse([]byte(head+keys+"}\nroles: []\n"), "test.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", keys, err, want)
		}
	}
	if _, err := Parse([]byte(head+"address: https://a}\n  - {name: db, kind: sqlite, address: /x, http: {}}\nroles: []\n"), "test.yaml"); err == nil || !strings.Contains(err.Error(), "has no http") {
		t.Errorf("%v", err)
	}
}
