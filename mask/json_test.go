package mask_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/mask"
)

func jsonPlan(t testing.TB) (*mask.Plan, *mask.Paths) {
	t.Helper()
	key, err := mask.NewKey([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	var detect []string
	for _, d := range mask.Detectors() {
		if !d.ByChoice {
			detect = append(detect, d.Name)
		}
	}
	p, err := mask.New(mask.Options{Detect: detect, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := p.NewPaths([]mask.PathRule{
		{Name: "data", Path: "$.data.*"},
		{Name: "passwords", Path: "**.password"},
		{Name: "items", Path: "items[*].ssn", Method: mask.Partial},
		{Name: "first", Path: "list[0]", Method: mask.Null},
		{Name: "key", Path: `stringData["tls.key"]`},
		{Name: "salary", Path: "**.salary", Method: mask.Token},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, paths
}

func writeJSON(t testing.TB, p *mask.Plan, paths *mask.Paths, s string, size int) (string, int64) {
	t.Helper()
	var out bytes.Buffer
	w := p.JSON(&out, paths)
	for rest := []byte(s); len(rest) > 0; {
		n := min(size, len(rest))
		if got, err := w.Write(rest[:n]); got != n || err != nil {
			t.Fatalf("Write: %d, %v", got, err)
		}
		rest = rest[n:]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String(), w.Hits()
}

func TestJSON(t *testing.T) {
	p, paths := jsonPlan(t)
	for _, c := range []struct{ in, want string }{
		{`{"a" : 1.50e3,` + "\n" + `  "b":[true,null, "x\u0041\/"] } `, `{"a" : 1.50e3,` + "\n" + `  "b":[true,null, "x\u0041\/"] } `},
		{`{"mail":"bob@example.com"}`, `{"mail":"[email]"}`},
		{`{"mail":"bob\u0040example\u002ecom"}`, `{"mail":"[email]"}`},
		{`{"bob@example.com":1}`, `{"[email]":1}`},
		{`{"data":{"a":"c2VjcmV0","b":"eA=="},"datum":{"a":"b"}}`, `{"data":{"a":"[masked]","b":"[masked]"},"datum":{"a":"b"}}`},
		{`{"DATA":{"a":{"deep":["x",1,true,null]}}}`, `{"DATA":{"a":{"deep":["[masked]",null,null,null]}}}`},
		{`[{"x":{"Password":"p"}},{"password":12}]`, `[{"x":{"Password":"[masked]"}},{"password":null}]`},
		{`{"p\u0061ssword":"p"}`, `{"p\u0061ssword":"[masked]"}`},
		{`{"items":[{"ssn":"734559577"},{"ssn":"x"}],"ssn":"x"}`, `{"items":[{"ssn":"****9577"},{"ssn":"[masked]"}],"ssn":"x"}`},
		{`{"list":["a","b"]}`, `{"list":[null,"b"]}`},
		{`{"stringData":{"tls.key":"k","tls":"v"}}`, `{"stringData":{"tls.key":"[masked]","tls":"v"}}`},
		{`{"n":4111111111111111,"m":4111111111111112}`, `{"n":null,"m":4111111111111112}`},
		{`{"api_key":"aB3dE5fG7hJ9kL1m","note":"aB3dE5fG7hJ9kL1m"}`, `{"api_key":"[secret]","note":"aB3dE5fG7hJ9kL1m"}`},
		{`{"key":"-----BEGIN PRIVATE KEY-----\nAjKLQLfJhhQoKG3fUloNQUGANG\n-----END PRIVATE KEY-----\n"}`, `{"key":"[pem_private_key]\n"}`},
		{`{"a":"x"}` + "\n" + `{"data":{"b":"y"}}` + "\n", `{"a":"x"}` + "\n" + `{"data":{"b":"[masked]"}}` + "\n"},
		{`"bob@example.com"`, `"[email]"`},
		{`{"a":"x"} oops "password":"p"`, `{"a":"x"} [masked]`},
		{`{"password" "p"}`, `{"password" [masked]`},
		{`{"a":"unfinished`, `{"a":[masked]`},
		{`{"a":01}`, `{"a":[masked]`},
		{`{"a":1,}`, `{"a":1,[masked]`},
		{`[1 2]`, `[1 [masked]`},
		{`]`, `[masked]`},
		{"{\"a\":\"x\x01\"}", `{"a":[masked]`},
	} {
		got, hits := writeJSON(t, p, paths, c.in, len(c.in))
		if got != c.want || (hits > 0) != (c.in != c.want) {
			t.Errorf("%s\nbecame %s, %d hits\nwant   %s", c.in, got, hits, c.want)
		}
		if again, _ := writeJSON(t, p, paths, c.in, 1); again != got {
			t.Errorf("%s\nbecame %s\nbyte by byte %s", c.in, got, again)
		}
	}
}

func TestJSONWithoutPaths(t *testing.T) {
	p, _ := jsonPlan(t)
	for in, want := range map[string]string{
		`{"a":"x"} oops bob@example.com`: `{"a":"x"} oops [email]`,
		`{"a":"bob@example.com`:          `{"a":"[email]`,
		`not json: 734-55-9577`:          `not json: [ssn]`,
	} {
		if got, _ := writeJSON(t, p, nil, in, 3); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	var none *mask.Plan
	if got, hits := writeJSON(t, none, nil, `{"a":1}`, 2); got != mask.Redacted || hits != 1 {
		t.Errorf("a nil plan gave %q, %d hits", got, hits)
	}
}

// TestJSONToken: a number stays one of as many digits, and equal ones equal.
func TestJSONToken(t *testing.T) {
	p, paths := jsonPlan(t)
	got, _ := writeJSON(t, p, paths, `[{"salary":51234},{"salary":7654321},{"salary":7654321},{"salary":-12.50},{"salary":"12 EUR"}]`, 5)
	var rows []struct{ Salary any }
	if err := json.Unmarshal([]byte(got), &rows); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if rows[0].Salary != nil || rows[1].Salary != rows[2].Salary || rows[1].Salary == 7654321.0 || len(got) < 60 {
		t.Errorf("got %s", got)
	}
	if s, ok := rows[4].Salary.(string); !ok || len(s) != len("12 EUR~") || !strings.HasSuffix(s, "~") {
		t.Errorf("a text became %v", rows[4].Salary)
	}
}

func TestJSONLongString(t *testing.T) {
	p, paths := jsonPlan(t)
	var out pieceWriter
	w := p.JSON(&out, paths)
	in := 0
	write := func(s string) {
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		in += len(s)
	}
	write(`{"a":"`)
	for range 300 {
		write(strings.Repeat("y", 10<<10))
	}
	write(`","b":"z"}`)
	if got := strings.Join(out.pieces, ""); got != `{"a":"[masked]","b":"z"}` {
		t.Errorf("got %.100s", got)
	}
}

// FuzzJSON: the result does not depend on the split, what goes in valid comes out
// valid, and nothing at a path comes out.
func FuzzJSON(f *testing.F) {
	f.Add(`{"password":"hunter22","b":[1,{"a":"\u0062ob\u0040example.com"}]}`, byte(3))
	f.Add(`{"a":"\ud83d\ude00\ud83d","data":{"x":"sesame77"}} [] 1 "x"`, byte(1))
	f.Fuzz(func(t *testing.T, s string, size byte) {
		if len(s) > 2000 {
			return
		}
		p, paths := jsonPlan(t)
		for _, ps := range []*mask.Paths{paths, nil} {
			whole, hits := writeJSON(t, p, ps, s, len(s)+1)
			for _, n := range []int{1, 1 + int(size)} {
				if got, h := writeJSON(t, p, ps, s, n); got != whole || h != hits {
					t.Fatalf("%q\nin one write %q, %d hits\nin pieces of %d %q, %d hits", s, whole, hits, n, got, h)
				}
			}
			if json.Valid([]byte(s)) && !json.Valid([]byte(whole)) {
				t.Fatalf("%q became %q", s, whole)
			}
			if hits == 0 && whole != s {
				t.Fatalf("%q became %q without a hit", s, whole)
			}
		}
		var planted []byte
		planted, _ = json.Marshal(map[string]any{"x": s, "password": "hunter22-" + s, "deep": map[string]any{"password": []string{"hunter22"}}})
		if got, _ := writeJSON(t, p, paths, string(planted), 1+int(size)); strings.Contains(got, "hunter22") && !strings.Contains(s, "hunter22") {
			t.Fatalf("%s became %s", planted, got)
		}
	})
}

func TestPathFaults(t *testing.T) {
	p, _ := jsonPlan(t)
	for _, path := range []string{"", "$", "a..b", "a[", "a[x]", "a[-1]", "a.**", "a b", strings.Repeat("a.", 70) + "a", "[\"x]"} {
		if _, err := p.NewPaths([]mask.PathRule{{Name: "r", Path: path}}); err == nil || !strings.Contains(err.Error(), `mask path "r"`) {
			t.Errorf("%q: %v", path, err)
		}
	}
	bare := plan(t, "email")
	if _, err := bare.NewPaths([]mask.PathRule{{Name: "r", Path: "a", Method: mask.Hash}}); err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("hash without a key: %v", err)
	}
}
