package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/tui/widget"
)

func TestNamed(t *testing.T) {
	for _, c := range []struct{ table, column, typ, want string }{
		{"customers", "email", "text", "email!"}, {"customers", "eMail", "text", "email!"}, {"t", "EMAIL_ADDRESS", "text", "email!"},
		{"t", "emailAddress", "varchar", "email!"}, {"t", "emailaddress", "varchar", "email!"}, {"t", "work_email", "citext", "email!"},
		{"t", "email_verified", "boolean", ""}, {"t", "is_email", "boolean", ""}, {"t", "email_count", "integer", ""}, {"t", "email_id", "bigint", ""},
		{"t", "email_sent_at", "timestamp with time zone", ""}, {"t", "email", "integer", ""}, {"t", "female", "text", ""},
		{"t", "phone", "bigint", "phone!"}, {"t", "PhoneNumber", "text", "phone!"}, {"t", "phone_type", "text", ""}, {"t", "microphone", "text", ""},
		{"t", "ssn", "text", "ssn!"}, {"t", "SSN", "integer", "ssn!"}, {"t", "session", "text", ""}, {"t", "classname", "text", ""},
		{"t", "card_number", "text", "card!"}, {"t", "cardNo", "text", "card!"}, {"t", "card_brand", "text", ""}, {"t", "scorecard", "text", ""},
		{"t", "iban", "text", "bank-account!"}, {"t", "bank_account", "text", "bank-account!"}, {"t", "sort_code", "text", "bank-account"},
		{"t", "dob", "date", "birth!"}, {"t", "date_of_birth", "date", "birth!"}, {"t", "born_on", "date", "birth!"}, {"t", "hired_on", "date", ""},
		{"t", "salary", "numeric(10,2)", "pay!"}, {"t", "baseSalary", "money", "pay!"}, {"t", "salary_currency", "text", ""},
		{"t", "password_hash", "text", "credential!"}, {"t", "passwd", "text", "credential!"}, {"t", "password_changed_at", "timestamptz", ""},
		{"t", "api_key", "text", "credential!"}, {"t", "APIKey", "text", "credential!"}, {"t", "accessToken", "text", "credential!"},
		{"t", "token_expires", "date", ""}, {"t", "token_id", "uuid", ""}, {"t", "secret", "bytea", "credential!"}, {"t", "monkey", "text", ""},
		{"t", "address", "text", "address!"}, {"t", "ip_address", "text", ""}, {"t", "mac_address", "macaddr", ""}, {"t", "ipAddress", "inet", ""},
		{"t", "wallet_address", "text", ""}, {"t", "street", "text", "address!"}, {"t", "postal_code", "text", "address"},
		{"t", "full_name", "text", "person!"}, {"t", "FirstName", "text", "person!"}, {"t", "surname", "text", "person!"},
		{"users", "name", "text", "person!"}, {"app_users", "name", "text", "person!"}, {"products", "name", "text", ""}, {"t", "filename", "text", ""},
		{"t", "tax_id", "text", "national-id!"}, {"t", "national_id", "bigint", "national-id!"}, {"t", "customer_id", "bigint", ""},
		{"orders", "tracking_no", "text", ""}, {"orders", "order_no", "text", ""}, {"t", "created_at", "timestamp", ""}, {"t", "", "text", ""},
		{"t", "ÉMAIL", "text", ""}, {"t", "e-mail", "text", "email!"}, {"t", "gender", "text", "personal"}, {"t", "pin", "text", "credential"},
	} {
		kind, sure, ok := named(c.table, c.column, c.typ)
		got := kind
		if sure {
			got += "!"
		}
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s.%s %s: %q, want %q", c.table, c.column, c.typ, got, c.want)
		}
	}
}

func TestJudgeScanned(t *testing.T) {
	for _, c := range []struct {
		column, typ string
		sampled     int
		hits        map[string]int
		want        string
	}{
		{"contact", "text", 100, map[string]int{"email": 99}, "high email"},
		{"contact", "text", 2, map[string]int{"email": 2}, "medium email"},
		{"remark", "text", 100, map[string]int{"email": 7, "card": 1}, "medium email"},
		{"remark", "text", 100, map[string]int{"card": 1}, "low card"},
		{"blob", "text", 10, map[string]int{"github_token": 9}, "high credential"},
		{"email", "text", 0, nil, "high email"},
		{"zip", "text", 0, nil, "low address"},
		{"zip", "text", 1000, map[string]int{"ssn": 1}, "medium address"},
		{"email", "text", 100, map[string]int{"card": 90}, "high card"},
		{"remark", "text", 100, nil, " "},
	} {
		s := scanned{Table: "t", Column: c.column, Type: c.typ, Sampled: c.sampled, Hits: c.hits}
		s.judge()
		if got := string(s.Confidence) + " " + s.Kind; got != c.want {
			t.Errorf("%s with %v of %d: %q, want %q", c.column, c.hits, c.sampled, got, c.want)
		}
	}
}

// A name becomes a pattern that the configuration takes and that matches it.
func TestPatternPart(t *testing.T) {
	for name, want := range map[string]string{"email": "email", "E-Mail": "E-Mail", "a.b": "a*b", `a"b`: "a*b", "a b": "a*b", "a\x1b[31m": "a**31m", "naïve": "naïve"} {
		if got := patternPart(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Names of a target drive no terminal by way of JSON, and mean the same.
func TestPrintJSON(t *testing.T) {
	var out strings.Builder
	name := "a\x1b[31m\u009b\u202e\x7f\U000e0001é\n"
	if err := printJSON(stdio{out: &out}, []string{name}); err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(out.String(), "\n", ""); widget.Unsafe(text) {
		t.Errorf("%q", text)
	}
	var back []string
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back[0] != name {
		t.Errorf("%q, %v", back, err)
	}
}

func TestSplit(t *testing.T) {
	for name, want := range map[string]string{"HTTPServerName": "http server name", "userID": "user id", "a__b": "a b", "x1y2": "x y", "tel. no": "tel no"} {
		if diff := cmp.Diff(want, strings.Join(split(name), " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
