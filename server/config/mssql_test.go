package config

import (
	"strings"
	"testing"
)

// TestSQLServer: one address, a login of the server's own, and TLS as for other
// databases or strict.
func TestSQLServer(t *testing.T) {
	const head = "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\nresources:\n  - {name: s1, kind: mssql"
	const foot = "}\nroles: []\n"
	const whole = ", address: \"sql.example:1433\", user: reader, database: ledger, password: {env: A}"
	c := parse(t, head+whole+", tls: strict, tls_root_ca: ca.pem, read_intent: true"+foot)
	r := c.Resources[0]
	if r.TLS != "strict" || !r.ReadIntent {
		t.Errorf("%+v", r)
	}
	other := r
	other.ReadIntent = false
	if r.Policy().Revision == other.Policy().Revision {
		t.Error("what the login says of its intent is not in the revision")
	}
	for keys, want := range map[string]string{
		", user: u, database: d":                                                                  "an address is needed",
		`, address: "sql\\INST", user: u, database: d`:                                            "named instance",
		", address: \"sql.example\", user: u, database: d":                                        "1433",
		", address: \"sql.example:1433\", database: d":                                            "a user is needed",
		`, address: "sql.example:1433", user: "ACME\\sa", database: d`:                            "Windows domain",
		", address: \"sql.example:1433\", user: u":                                                "a database is needed",
		whole + ", tls: sometimes":                                                                "unknown mode",
		whole + ", tls: require, tls_root_ca: ca.pem":                                             "nothing is verified",
		whole + ", search_path: x":                                                                "has no search_path",
		whole + ", masked_user: m":                                                                "has no masked_user",
		"}\n  - {name: b, kind: mysql, address: \"a:1\", user: u, database: d, tls: strict":       "unknown mode",
		"}\n  - {name: b, kind: mysql, address: \"a:1\", user: u, database: d, read_intent: true": "has no read_intent",
	} {
		_, err := Parse([]byte(head+keys+foot), "test.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", keys, err, want)
		}
	}
}
