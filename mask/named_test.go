package mask_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/mask"
)

// TestOnes runs one detector over texts in which « and » stand around what it is
// to find.
func TestOnes(t *testing.T) {
	for detector, lines := range map[string][]string{
		"secret": {
			"PGPASSWORD=«hunter2» psql", `password: "«correct horse»"`, `{"password":"«hunter22»","user":"bob"}`, "db_password = '«letmein»'",
			"Authorization: Bearer «aB3dE5fG7hJ9kL1m»", "Authorization: Basic «Ym9iOmh1bnRlcjI=»\r\n", "api_key=«aB3dE5fG7hJ9kL1m»&x=1", "X-Api-Key: «0123456789abcdef»",
			"client_secret: «s3cr3tValue12»", "<password>«hunter22»</password>", "mysql -uroot -p«hunter2» shop", "curl -u bob:«hunter2» https://x",
			"tool --password «hunter22» --x", "AccountKey=«aB3dE5fG7hJ9kL1m0123==»;Endpoint", "passphrase:«Tr0ub4dor&3»"[:len("passphrase:«Tr0ub4dor")] + "»&3",
			"token = «" + strings.Repeat("aB3", 400) + "» end",
			"password reset for bob", "password: required", "Password: ", "password=${PW}", "password=<none>", "password: ********", "token: invalid", "secret: enabled",
			"next_token=aB3dE5fG7hJ9kL1m", "bypass: Enabled1", "compass=North99", "the secret of x is = y", "a -pfoo", "public_key=aB3dE5fG7hJ9kL1m", "Bearer <token>",
			"password=[secret]", "mysql -p", "tokens: 1234567890123", "keyboard: qwerty12345678",
		},
		"gcp_key": {
			"key=«AIzaSyA1234567890abcdefghijklmnopqrstuv»", "«GOCSPX-abcDEF123456_ghiJKL7890-mn»", "token «ya29.a0AfH6SMBabcdefghijk»,", "AIza", "AIzaSy short", "ya29", "xya29.a0AfH6SMBabcdefghijk",
		},
		"ipv6": {
			"from «2001:db8::1» to «fe80::1:2:3»", "«::1»", "[«2001:db8::8a2e:370:7334»]:443", "«2001:0db8:0000:0000:0000:8a2e:0370:7334».", "at 12:34:56", "a:b", "mac 4d:d2:6f:ac:fa:7d", "std::vector", "x::y::z", "1:2:3:4:5:6:7:8:9",
		},
		"pem_private_key": {
			"echo «-----BEGIN EC PRIVATE KEY-----\nAjKLQLfJhhQoKG3fUloNQUGANG\n»$ ls", "1  «-----BEGIN PRIVATE KEY-----\n2  AjKLQLfJhhQoKG3fUloNQUGANG\n3  -----END PRIVATE KEY-----»\nx",
			"«-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(strings.Repeat("aB3/", 16)+"\n", 3000) + "-----END PRIVATE KEY-----» after",
			"«-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("aB3/", 30000) + "\n-----END PRIVATE KEY-----» after",
			"see -----BEGIN PRIVATE KEY----- there", "-----BEGIN PUBLIC KEY-----\nAjKLQLfJhhQoKG3fUloNQUGANG\n-----END PUBLIC KEY-----",
		},
		"jwt": {
			"«eyJhbGciOiJIUzI1NiJ9." + strings.Repeat("aB3_", 30000) + ".aB3» x", "eyJhbGciOiJIUzI1NiJ9 alone", "eyJhIjoxfQ.eyJiIjoyfQ.aB3aB3aB3",
		},
	} {
		p := plan(t, detector)
		for _, l := range lines {
			in, want := unmarked(l)
			var got []string
			for _, h := range p.Find(in) {
				got = append(got, fmt.Sprintf("%d-%d", h.Start, h.End))
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s in %.200q: %v, want %v", detector, in, got, want)
			}
			checkFind(t, p, in)
			for _, sizes := range [][]byte{nil, {0}, {6, 2}} {
				if out, _ := write(t, p, true, in, sizes); len(out) != len(in) {
					t.Errorf("%s: %.200q has another length as %.200q", detector, in, out)
				}
			}
		}
	}
}

// unmarked takes the marks out of a text and returns where they stood.
func unmarked(s string) (string, []string) {
	var b strings.Builder
	var want []string
	start := 0
	for _, r := range s {
		switch r {
		case '«':
			start = b.Len()
		case '»':
			want = append(want, fmt.Sprintf("%d-%d", start, b.Len()))
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), want
}

// TestFlushWithinKey: the body of a key stays hidden where the line before it was
// flushed.
func TestFlushWithinKey(t *testing.T) {
	var out strings.Builder
	w := plan(t).Terminal(&out)
	body := "AjKLQLfJhhQoKG3fUloNQUGANG"
	for _, s := range []string{"$ cat key\n", "-----BEGIN PRIVATE KEY-----", "\n" + body[:7], body[7:] + "\n", body + "\n", "-----END PRIVATE KEY-----\n", "$ "} {
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); strings.Contains(got, body[:7]) || strings.Contains(got, body[7:12]) || !strings.HasSuffix(got, "\n$ ") {
		t.Errorf("%q", got)
	}
}

func TestCustom(t *testing.T) {
	acme, err := mask.NewCustom("acme_id", `ACME-[0-9]{4}-[A-Z]{3,}`)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := mask.NewCustom("odd", `#!\$[a-z ]+\$`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := mask.New(mask.Options{Custom: []*mask.Custom{acme, odd}, Detect: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"id ACME-1234-XYZW, x":             "id [acme_id], x",
		"xACME-1234-XYZ":                   "xACME-1234-XYZ",
		"ACME-ACME-1234-XYZ@example.com":   "ACME-[acme_id]@example.com"[:0] + "[email]",
		"ACME-123-XYZ #!$some text$ #!$a1": "ACME-123-XYZ [odd] #!$a1",
		"AC\x1b[1mME-1234-X\x1b[mYZ!":      "[acme_id]\x1b[1m\x1b[m!",
	} {
		got, _ := write(t, p, false, in, nil)
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		for _, sizes := range [][]byte{{0}, {2, 0, 4}} {
			if again, _ := write(t, p, false, in, sizes); again != got {
				t.Errorf("%q became %q, in pieces %q", in, got, again)
			}
		}
	}
	for name, expression := range map[string]string{"x": "[a-z]+", "y": "ab[0-9]", "z": "(?i)acme-", "email": "ACME", "Bad": "ACME", "w": "ACME("} {
		if _, err := mask.NewCustom(name, expression); err == nil {
			t.Errorf("%s %s: no error", name, expression)
		}
	}
	other, err := mask.NewCustom("acme_id", `ACME-[0-9]{5}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mask.New(mask.Options{Custom: []*mask.Custom{acme, other}}); err == nil {
		t.Error("two patterns of one name")
	}
	one, _ := mask.New(mask.Options{Custom: []*mask.Custom{acme}})
	two, _ := mask.New(mask.Options{Custom: []*mask.Custom{other}})
	if one.Revision() == two.Revision() {
		t.Error("plans with other patterns have the same revision")
	}
}

func TestKeyedMethods(t *testing.T) {
	key, err := mask.NewKey([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := mask.NewKey([]byte("fedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mask.NewKey([]byte("short")); err == nil {
		t.Error("a short key")
	}
	if s := fmt.Sprintf("%v %+v %#v %s %x %d", key, key, key, key, key, key); strings.Contains(s, "0123") || strings.Contains(s, "30313233") {
		t.Errorf("the key prints as %s", s)
	}
	rule := func(k mask.Key, m mask.Method) mask.Rule {
		p, err := mask.New(mask.Options{Rules: []mask.Rule{{Name: "r", Column: "t.c", Method: m}}, Key: k})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := p.Column(mask.Column{Table: "t", Name: "c"})
		return r
	}
	hash, token := rule(key, mask.Hash), rule(key, mask.Token)
	if a, b, c := hash.Apply("bob"), hash.Apply("bob"), rule(other, mask.Hash).Apply("bob"); a != b || a == c || a == hash.Apply("bob ") || len(a) != len("[hash 0123456789abcdef]") {
		t.Errorf("hashes %s %s %s", a, b, c)
	}
	for in, shape := range map[string]string{
		"734-55-9577": "000-00-0000~", "Bob Smith": "Aaa Aaaaa~", "bob@example.com": "aaa@aaaaaaa.aaa.invalid", "": "[masked]", "漢字": "aa~", "a@b": "a@a~",
	} {
		got := token.Apply(in)
		if shapeOf(got) != shapeOf(shape) || got != token.Apply(in) || got == in {
			t.Errorf("token of %q: %q, want the shape of %q", in, got, shape)
		}
		if in != "" && got == rule(other, mask.Token).Apply(in) && len(in) > 4 {
			t.Errorf("token of %q does not depend on the key", in)
		}
	}
	if _, err := mask.New(mask.Options{Rules: []mask.Rule{{Name: "r", Column: "t.c", Method: mask.Token}}}); err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("a token without a key: %v", err)
	}
	if got := (mask.Rule{Method: mask.Hash}).Apply("bob"); got != mask.Redacted {
		t.Errorf("hash of a rule without a plan: %q", got)
	}
	for _, c := range []struct {
		method mask.Method
		kind   mask.Kind
		in     string
		ok     bool
	}{
		{mask.Redact, mask.Text, "x", true}, {mask.Redact, mask.Integer, "7", false}, {mask.Partial, mask.Integer, "4111111111111111", false}, {mask.Null, mask.Text, "x", false},
		{mask.Hash, mask.Integer, "7", false}, {mask.Token, mask.Integer, "1234", true}, {mask.Token, mask.Integer, "32767", false}, {mask.Token, mask.Integer, "9223372036854775807", false},
		{mask.Token, mask.Decimal, "-12.50", true}, {mask.Token, mask.Other, "2024-01-01", false}, {mask.Token, mask.Integer, "x", false}, {77, mask.Integer, "7", false},
	} {
		r := mask.Rule{Method: c.method}
		if c.method == mask.Token {
			r = token
		}
		got, ok := r.ApplyTyped(c.in, c.kind)
		if ok != c.ok || ok && c.kind != mask.Text && (len(got) != len(c.in) || shapeOf(got) != shapeOf(c.in)) {
			t.Errorf("%v of %q as %d: %q, %v", c.method, c.in, c.kind, got, ok)
		}
	}
}

// shapeOf maps digits to 0 and letters to a or A.
func shapeOf(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0'
		case r >= 'a' && r <= 'z':
			return 'a'
		case r >= 'A' && r <= 'Z':
			return 'A'
		}
		return r
	}, strings.NewReplacer("invalid", "INVALID", "masked", "MASKED").Replace(s))
}
