package identity

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/policy"
)

func TestGroups(t *testing.T) {
	many := make([]any, 201)
	for i := range many {
		many[i] = "g"
	}
	for _, c := range []struct {
		name string
		c    claims
		want int
		note string
	}{
		{"list", claims{"groups": []any{"dba", "oncall"}}, 2, ""},
		{"201 of them", claims{"groups": many}, 201, ""},
		{"absent", claims{}, 0, `no claim "groups"`},
		{"other case", claims{"Groups": []any{"dba"}}, 0, `no claim "groups"`},
		{"text", claims{"groups": "dba"}, 0, "is a string"},
		{"number", claims{"groups": 7.0}, 0, "is a number"},
		{"boolean", claims{"groups": true}, 0, "is a boolean"},
		{"null", claims{"groups": nil}, 0, "is null"},
		{"object", claims{"groups": map[string]any{"dba": true}}, 0, "is an object"},
		{"mixed", claims{"groups": []any{"dba", 7.0}}, 0, "a list with something else"},
		{"nested", claims{"groups": []any{[]any{"dba"}}}, 0, "a list with something else"},
		{"empty list", claims{"groups": []any{}}, 0, "an empty list"},
		{"empty name", claims{"groups": []any{"dba", ""}}, 0, "none was taken"},
		{"escape in a name", claims{"groups": []any{"dba", "x\x1b"}}, 0, "none was taken"},
		{"endless name", claims{"groups": []any{strings.Repeat("g", 257)}}, 0, "none was taken"},
		{"pointer", claims{"_claim_names": map[string]any{"groups": "src1"}}, 0, "pointer"},
		{"pointer beside a list", claims{"groups": []any{"dba"}, "_claim_names": map[string]any{"groups": "src1"}}, 0, "pointer"},
		{"hint that there are too many", claims{"hasgroups": true}, 0, "pointer"},
		{"pointer for another claim", claims{"groups": []any{"dba"}, "_claim_names": map[string]any{"roles": "src1"}}, 1, ""},
	} {
		got, note := groupsOf(c.c, "groups")
		if len(got) != c.want || !strings.Contains(note, c.note) || (note == "") != (c.note == "") {
			t.Errorf("%s: got %q, note %q; want %d, %q", c.name, got, note, c.want, c.note)
		}
	}
}

// Names are neither trimmed nor folded: these four are four groups.
func TestGroupsExact(t *testing.T) {
	got, _ := groupsOf(claims{"roles": []any{"dba", "dba ", "DBA", "dbа"}}, "roles")
	if d := cmp.Diff([]string{"dba", "dba ", "DBA", "dbа"}, got); d != "" {
		t.Error(d)
	}
	id := policy.Identity{Groups: got[1:]}
	if id.InAny([]string{"dba"}) {
		t.Error("a look-alike is a member of dba")
	}
}

func TestIdentity(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p, err := NewProvider(Config{Issuer: testIssuer, ClientID: testClient, GroupsClaim: "roles", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	base := claims{"iss": testIssuer, "sub": "u-1", "roles": []any{"dba"}}
	for _, c := range []struct {
		name string
		over claims
		want policy.Identity
	}{
		{"plain", claims{"email": "a@b.test", "name": "A"}, policy.Identity{Email: "a@b.test", Name: "A", SignedIn: now}},
		{"e-mail verified", claims{"email": "a@b.test", "email_verified": true}, policy.Identity{Email: "a@b.test", SignedIn: now}},
		{"e-mail verified, in a word", claims{"email": "a@b.test", "email_verified": "true"}, policy.Identity{Email: "a@b.test", SignedIn: now}},
		{"e-mail not verified", claims{"email": "boss@b.test", "email_verified": false}, policy.Identity{SignedIn: now}},
		{"e-mail not verified, in a word", claims{"email": "boss@b.test", "email_verified": "false"}, policy.Identity{SignedIn: now}},
		{"e-mail verified, oddly", claims{"email": "boss@b.test", "email_verified": 1.0}, policy.Identity{SignedIn: now}},
		{"e-mail with an escape", claims{"email": "a\x1b[31m@b.test"}, policy.Identity{SignedIn: now}},
		{"name turned around", claims{"name": "A\u202eB"}, policy.Identity{SignedIn: now}},
		{"name by preference", claims{"preferred_username": "al"}, policy.Identity{Name: "al", SignedIn: now}},
		{"known from before", claims{"auth_time": float64(now.Add(-time.Hour).Unix())}, policy.Identity{SignedIn: now.Add(-time.Hour)}},
		{"seen in the future", claims{"auth_time": float64(now.Add(time.Hour).Unix())}, policy.Identity{SignedIn: now}},
	} {
		for k, v := range base {
			c.over[k] = v
		}
		c.want.Issuer, c.want.Subject, c.want.Groups, c.want.Method = testIssuer, "u-1", []string{"dba"}, "device"
		got, note := p.identity(c.over)
		if d := cmp.Diff(c.want, got); d != "" || note != "" {
			t.Errorf("%s: note %q (-want +got):\n%s", c.name, note, d)
		}
	}
}

// Only the claims that are asked for are kept, each whole or not at all.
func TestClaims(t *testing.T) {
	var log bytes.Buffer
	p, err := NewProvider(Config{Issuer: testIssuer, ClientID: testClient, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Claims: []string{"dept", "level", "oncall", "teams", "missing", "address", "mixed", "long", "exact"}})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := p.identity(claims{"iss": testIssuer, "sub": "u-1", "dept": "eng", "level": 3.5, "oncall": true, "teams": []any{"a", "b"},
		"address": map[string]any{"city": "x"}, "mixed": []any{"a", 1.0}, "long": strings.Repeat("x", 2000), "exact": 1e17, "other": "no"})
	want := map[string][]string{"dept": {"eng"}, "level": {"3.5"}, "oncall": {"true"}, "teams": {"a", "b"}}
	if d := cmp.Diff(want, id.Claims); d != "" {
		t.Errorf("claims (-want +got):\n%s", d)
	}
	for _, name := range []string{"address", "mixed", "long", "exact"} {
		if !strings.Contains(log.String(), "claim="+name) {
			t.Errorf("the log does not tell of %q:\n%s", name, log.String())
		}
	}
}

// Whatever a token is, looking at it neither panics nor lets a wrong one through.
func FuzzCheckHeader(f *testing.F) {
	f.Add(sign(header(nil), payload(nil)))
	f.Add("a.b.c")
	f.Add(b64(`{"alg":"none"}`) + "..")
	f.Fuzz(func(t *testing.T, raw string) {
		if checkHeader(raw) == nil && (len(raw) > maxToken || strings.Count(raw, ".") != 2) {
			t.Errorf("accepted %q", raw)
		}
	})
}

// An object that is taken has each key once, whatever the case.
func FuzzStrictObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"A":2}`))
	f.Add([]byte(`{"a":{"b":1,"b":2}}`))
	f.Add([]byte(`{"iss":"x","exp":1e9,"l":[{"a":null}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := strictObject(b)
		if err != nil {
			return
		}
		again, err := strictObject([]byte(text(c)))
		if err != nil {
			t.Fatalf("%q was taken, and its own encoding refused: %v", b, err)
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("%q changed on a round trip:\n%s", b, d)
		}
		_, _ = groupsOf(c, "groups")
	})
}
