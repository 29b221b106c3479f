package config

import (
	"strings"
	"testing"
)

// TestCluster: one credential by reference, an address, and nobody impersonated
// without a prefix.
func TestCluster(t *testing.T) {
	const head = "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\nresources:\n  - {name: c1, kind: kubernetes"
	const foot = "}\nroles: []\n"
	c := parse(t, head+", address: \"api.example:6443\", token: {file: tok}, tls_root_ca: ca.pem, namespace: shop, impersonate: true, impersonate_prefix: \"sp:\", forwards: [\"web-*.shop:80*\", \"*.shop.svc:5432\"]"+foot)
	if r := c.Resources[0]; r.Credential() != r.Token || r.Namespace != "shop" || r.ImpersonatePrefix != "sp:" {
		t.Errorf("%+v", r)
	}
	const whole = ", address: \"api.example:6443\", token: {env: A}"
	for keys, want := range map[string]string{
		", token: {env: A}": "an address is needed",
		", address: \"https://api.example\", token: {env: A}":          "address",
		", address: \"api.example:6443\"":                              "a credential is needed",
		whole + ", kubeconfig: {env: B}":                               "give one of",
		whole + ", user: admin":                                        "has no user",
		whole + ", password: {env: B}":                                 "has no password",
		whole + ", tls: disable":                                       "has no tls",
		whole + ", namespace: \"../x\"":                                "is no namespace",
		whole + ", impersonate: true":                                  "a prefix is needed",
		whole + ", impersonate: true, impersonate_prefix: \"system:\"": "is no prefix",
		whole + ", impersonate_prefix: \"sp:\"":                        "there is none",
		whole + ", forwards: [\"web-1:80\"]":                           "no pattern of pods' ports",
		whole + ", forwards: [\"web-1.shop\"]":                         "no pattern of pods' ports",
		whole + ", forwards: [\"[a-z].shop:80\"]":                      "no pattern of pods' ports",
		", address: \"api.example:6443\", token: hunter2":              "token",
		"}\n  - {name: b, kind: sqlite, address: /b, namespace: x":     "has no namespace",
	} {
		_, err := Parse([]byte(head+keys+foot), "test.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", keys, err, want)
		}
	}
}
