package http

import (
	"bufio"
	"encoding/json"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

type line struct {
	ID          string       `json:"id"`
	Dialect     string       `json:"dialect"`
	Input       string       `json:"input"`
	Class       policy.Class `json:"class"`
	Destructive bool         `json:"destructive"`
}

func corpus(t testing.TB) []line {
	t.Helper()
	var out []line
	for _, name := range []string{"policy_public.jsonl", "policy_own.jsonl", "policy_review.jsonl"} {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v: %s", name, err, s.Text())
			}
			if l.Dialect == "http" {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no lines")
	}
	return out
}

func TestCorpus(t *testing.T) {
	for _, l := range corpus(t) {
		f := Facts(l.Input)
		if l.Class == policy.Read && f.Class != policy.Read || f.Class.Severity() < l.Class.Severity() || f.Destructive != l.Destructive {
			t.Errorf("%s %q: %s destructive=%t, want %s %t: %s", l.ID, l.Input, f.Class, f.Destructive, l.Class, l.Destructive, f.Why)
		}
	}
}

func TestRequest(t *testing.T) {
	r := &Request{Method: "POST", Target: "/api/orders/../Orders?a=1", Header: nethttp.Header{"Host": {"shop.example"}, "Content-Type": {"application/json"}}, Body: []byte("{}")}
	f := r.Facts(Options{Host: "shop.example", FoldCase: true})
	want := policy.HTTPRequest{Method: "POST", Host: "shop.example", Path: "/api/orders", Query: "a=1", ContentType: "application/json", Size: 2}
	if f.HTTP == nil || *f.HTTP != want {
		t.Errorf("%+v, want %+v", f.HTTP, want)
	}
	if f.Class != policy.Dangerous || f.Verb != "POST" {
		t.Error(f.Class, f.Verb, f.Why)
	}
	if f := r.Facts(Options{Host: "other.example"}); !strings.Contains(f.Why, "another host") {
		t.Error(f.Why)
	}
}

// A rule about /admin is one about what the service takes for it.
func TestLenientPaths(t *testing.T) {
	for target, want := range map[string][2]string{
		"/Admin": {"/Admin", "/admin"}, "/admin/": {"/admin/", "/admin"}, "/%41dmin": {"/Admin", "/admin"}, "/": {"/", "/"},
	} {
		for i, fold := range []bool{false, true} {
			r := &Request{Method: "GET", Target: target, Header: nethttp.Header{}}
			if f := r.Facts(Options{FoldCase: fold}); f.HTTP == nil || f.HTTP.Path != want[i] {
				t.Errorf("%s, folded %v: %+v, want %s", target, fold, f.HTTP, want[i])
			}
		}
	}
}

// A replaced method destroys what it would destroy in its own place.
func TestReplacedMethods(t *testing.T) {
	for text, want := range map[string]bool{
		"POST /api/orders\nX-HTTP-Method-Override: delete\n\n": true, "POST /api/orders/5\nX-HTTP-Method-Override: DELETE\n\n": false, "GET /api/orders?_method=DELETE": true,
		"POST /api/orders\n\n_method=DELETE&x=1": true, "POST /api/orders\nX-Method-Override: POST\n\n{}": false,
	} {
		if f := Facts(text); f.Class != policy.Dangerous || f.Destructive != want {
			t.Errorf("%q: %s destructive=%t: %s", text, f.Class, f.Destructive, f.Why)
		}
	}
}

// What runs is code, wherever a service takes it.
func TestCommands(t *testing.T) {
	for text, want := range map[string]policy.Class{
		`POST /api/run|{"command":"id"}`: policy.Dangerous, `POST /api/orders|{"command":"ship"}`: policy.Write, `POST /api/orders|{"cmd":"id"}`: policy.Dangerous, `POST /api/jobs|{"name":"x"}`: policy.Write,
	} {
		if f := Facts(strings.Replace(text, "|", "\n\n", 1)); f.Class != want {
			t.Errorf("%s: %s, want %s: %s", text, f.Class, want, f.Why)
		}
	}
}

// A percent sign is odd only where what follows could be decoded once more.
func TestPercent(t *testing.T) {
	for target, want := range map[string]bool{
		"/items/100%25-cotton": false, "/items/5%25": false, "/%252e%252e/a": true, "/%25%32%65/a": true, "/%2525252e/a": true, "/a%2525": true, "/a%25u002e": true, "/a%2541": true,
	} {
		if _, odd := Normalise(target); (len(odd) > 0) != want {
			t.Errorf("%s: %q", target, odd)
		}
	}
}

// A change of what an empty condition chooses is a change of all.
func TestEmptyConditions(t *testing.T) {
	for text, want := range map[string]bool{
		`{"query":"mutation { delete_order(where: {}) { n } }"}`: true, `{"query":"mutation { update_order(where: {id: 5}) { n } }"}`: false,
		`{"query":"mutation { update_order(_set: {a: 1}, where: {}) { n } }"}`: true, `{"query":"mutation { create(where: {}) { n } }"}`: false,
	} {
		if f := Facts("POST /graphql\n\n" + text); f.Destructive != want {
			t.Errorf("%s: destructive=%t", text, f.Destructive)
		}
	}
}

// The title of a text is no action.
func TestTitles(t *testing.T) {
	for text, want := range map[string]policy.Class{
		"GET /docs/delete-account-guide": policy.Read, "GET /help/reset-password-guide": policy.Read, "GET /docs/passwords.txt": policy.Privilege, "GET /docs/secrets": policy.Privilege, "GET /docs/api/delete-user": policy.Read, "GET /wiki/5/delete-page": policy.Write, "GET /api/delete-user": policy.Write, "GET /docs/delete-all": policy.Write, "GET /docs/5/delete": policy.Write, "GET /users/5/delete-account": policy.Write, "DELETE /docs/delete-account-guide": policy.Privilege,
	} {
		if f := Facts(text); f.Class != want {
			t.Errorf("%q: %s: %s", text, f.Class, f.Why)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "169.254.169.254", "169.254.169.254:80", "LOCALHOST.", "a@127.0.0.1",
		"metadata.google.internal", "0", "0.0.0.0", "[fe80::1]", "[64:ff9b::7f00:1]", "169.254.169.254.nip.io", "%31%32%37.0.0.1", "8.8.2056", "[fd00:ec2::254]", "100.100.100.200"} {
		if internal(host) == "" {
			t.Errorf("%s is not found out", host)
		}
	}
	for _, host := range []string{"example.com", "10.0.0.1", "8.8.8.8", "[2001:db8::1]:443", "db1", "1.example.com", "orders.internal:8080"} {
		if why := internal(host); why != "" {
			t.Errorf("%s: %s", host, why)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/a/../b", "/%2e%2e/a", "//a", "/a;b=1/c", "/%zz", "/a/.", "/..", "/%252e", "a", "/a%2fb", "/%c0%ae", "/\\..\\a", "/a./b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		plain, odd := Normalise(raw)
		again, _ := Normalise(plain)
		if again != plain {
			t.Errorf("%q becomes %q, then %q", raw, plain, again)
		}
		if !strings.HasPrefix(plain, "/") || strings.Contains(plain+"/", "/../") || strings.Contains(plain, "//") || strings.Contains(plain+"/", "/./") {
			t.Errorf("%q becomes %q", raw, plain)
		}
		if len(odd) == 0 && strings.ContainsAny(raw, "\\;\x00") {
			t.Errorf("%q is not odd", raw)
		}
	})
}

func FuzzFacts(f *testing.F) {
	for _, l := range corpus(f) {
		f.Add(l.Input)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Facts(text)
		if got.Class != policy.Read && got.Why == "" {
			t.Errorf("%q is %s and does not say why", text, got.Class)
		}
		r, err := Parse(text)
		if err != nil {
			return
		}
		// What overrides a request is found, whatever else the request is.
		r.Header.Set("X-HTTP-Method-Override", "DELETE")
		if worse := r.Facts(Options{}); worse.Class.Severity() < policy.Dangerous.Severity() {
			t.Errorf("%q with an override is %s", text, worse.Class)
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Facts("PUT /api/users/5/roles\n\n{\"role\":\"admin\"}")
	}
}
