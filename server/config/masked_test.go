package config

import (
	"strings"
	"testing"
)

// TestMaskedLogin: a second login is another one, with a password of its own.
func TestMaskedLogin(t *testing.T) {
	const head = "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\nresources:\n" +
		"  - {name: db, kind: postgres, address: /run/pg, database: d, user: app, password: {env: A}"
	const foot = "}\nroles: []\n"
	if c := parse(t, head+", masked_user: app_masked, masked_password: {env: B}"+foot); c.Resources[0].MaskedUser != "app_masked" || c.Resources[0].MaskedPassword.Env != "B" {
		t.Errorf("%+v", c.Resources[0])
	}
	for keys, want := range map[string]string{
		", masked_password: {env: B}":                                "there is none",
		", masked_user: app, masked_password: {env: B}":              "must be another than user",
		", masked_user: app_masked, masked_password: {env: A}":       "a password of its own",
		", masked_user: app_masked, masked_password: {}":             "by one reference",
		", masked_user: app_masked, masked_password: hunter2":        "masked_password",
		", masked_user: \"app\\x01masked\"":                          "cannot be printed",
		"}\n  - {name: b, kind: sqlite, address: /b, masked_user: x": "has no masked_user",
	} {
		_, err := Parse([]byte(head+keys+foot), "test.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", keys, err, want)
		}
	}
}
