package mask_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/mask"
)

// pieces are what generated streams are put together from: halves of secrets,
// escapes, separators, and what else once parted or joined them wrongly.
var pieces = []string{
	"4111111111111111", "4111", "1111", " 1111", "-1111", "11111111", "378282246310005", "4", "1", "0",
	"734-55-9577", "734", "-55", "-9577", "ssn ", "734559577", "734 55 9577",
	"bob", "@", "example", ".", ".com", "a@b.cc", "bob@example.com", "%40", "%20", "%", "\"", "'", "\\n", "\\u003c",
	"https://u:", "https://", ":", "/", "=", "[", "]", "[email]", "[card *1111]", "*",
	" ", "  ", "-", "_", "+", ",", "\n", "\r\n", "\t", "x", "beef", "z",
	"\x1b", "\x1b[m", "\x1b[1;31m", "\x1b[5;10H", "\x1b]0;", "\x1b]0;bob@example.com\a", "\a", "\x1b\\", "\x1bP", "\x1b(B", "\x1b[", "\x1b%G",
	"\x00", "\x08", "\x18", "\x7f", "\u009b1m", "\u009d", "\u009c", "\xc2", "\x9b", "\xe2\x80",
	"é", "\u00a0", "\u2011", "\u200b", "\u0301", "４", "１", "＠", "．", "漢", "\u2028", "😀",
	"+44 20 7946 0349", "+44 ", "20 7946", " 0349", "(0)", "(212) ", "(", ")", "212-", "555-0144", "020 ", "0044", "tel ", "+1", "%2B",
	"GB86 WEST 8423 3646 0427 70", "GB86", " WEST", " 8423 3646 0427 70", "DE82263510988860020746", "DE", "82", "ya29.",
	"10.1.7.233", "10.", "1.", "2001:db8::1", "::", "db8", ":",
	"AKIAFRB7QN3VKRKSSVTN", "AKIA", "FRB7QN3VKRKSSVTN", ",c+Wv8kQSG/9j9X3cBQY6mBpHAlsuts91m0MbgWCI", "aws_secret_access_key", "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",
	"ghp_iq8rUouWU9WEkBLOSwzHGGW0ccPUZdZDOPgJ", "ghp_", "iq8rUouWU9WEkBLOSwzHGGW0ccPUZdZDOPgJ", "sk_test_iNggCcegJrNYHMMYyS3xMW35", "sk_", "live_",
	"eyJhbGciOiJIUzI1NiJ9", ".", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0", "ey", "J",
	"-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "RSA PRIVATE KEY", "-----", "AjKLQLfJhhQoKG3fUloNQUGANG+cwUuLax8u9qS6LL2t0mtBRd538", "-----END PRIVATE KEY-----", "-----END ", "Proc-Type: 4,ENCRYPTED",
	"xoxb-330795897439-803300159050-e8G6tIGYpgsjSF5jGD3ZWXGo", "xoxb-", "330795897439-", "AIza", "GOCSPX-",
	"https://u:hunter22@h/", "u:", "pw1@h", "password", "Password: ", "secret", "api_key", "hunter2-hunter2", "true", "Bearer ", "Authorization: ", "--password ", "mysql -p", "curl -u x:", "${X}", "=\"", "ACME-", "ACME-1234-XYZ",
	strings.Repeat("a", 70), strings.Repeat("7", 25), strings.Repeat("x.", 140), strings.Repeat("b-", 40), strings.Repeat("\x1b[m", 50),
	"\x1b[" + strings.Repeat("1;", 70), "\x1b]8;;" + strings.Repeat("y", 140),
}

// stream makes a stream out of a seed: bytes name pieces.
func stream(seed []byte) string {
	var b strings.Builder
	for _, c := range seed {
		b.WriteString(pieces[int(c)%len(pieces)])
	}
	return b.String()
}

// write masks s in writes of the given sizes, used over and over.
func write(t testing.TB, p *mask.Plan, terminal bool, s string, sizes []byte) (string, int64) {
	t.Helper()
	var out bytes.Buffer
	w := p.Writer(&out)
	if terminal {
		w = p.Terminal(&out)
	}
	for i, rest := 0, []byte(s); len(rest) > 0; i++ {
		n := len(rest)
		if len(sizes) > 0 {
			n = min(n, 1+int(sizes[i%len(sizes)]))
		}
		if got, err := w.Write(rest[:n]); got != n || err != nil {
			t.Fatalf("Write of %d bytes: %d, %v", n, got, err)
		}
		rest = rest[n:]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String(), w.Hits()
}

func checkStream(t testing.TB, s string, sizes []byte) {
	t.Helper()
	p := plan(t)
	whole, hits := write(t, p, false, s, nil)
	if got, hit := p.Text(s); got != whole || hit != (hits > 0) {
		t.Fatalf("Text(%q)\n= %q, %v\na writer gives\n  %q, %d hits", s, got, hit, whole, hits)
	}
	if again, _ := p.Text(whole); again != whole {
		t.Fatalf("masked once  %q\nmasked twice %q\noriginal     %q", whole, again, s)
	}
	if hits == 0 && whole != s {
		t.Fatalf("%q became %q without a hit", s, whole)
	}
	if utf8.ValidString(s) && !utf8.ValidString(whole) {
		t.Fatalf("%q became %q, which is not UTF-8", s, whole)
	}
	for _, cut := range [][]byte{{0}, sizes, {1, 0, 6}} {
		if got, n := write(t, p, false, s, cut); got != whole || n != hits {
			t.Fatalf("stream %q\nin one write %q, %d hits\nin pieces %v %q, %d hits", s, whole, hits, cut, got, n)
		}
	}
	cells, _ := write(t, p, true, s, nil)
	for _, cut := range [][]byte{{0}, sizes} {
		if got, _ := write(t, p, true, s, cut); got != cells {
			t.Fatalf("terminal %q\nin one write %q\nin pieces %v %q", s, cells, cut, got)
		}
	}
}

// FuzzStream checks that masking does not depend on how a stream was cut, that
// masking what is masked changes nothing, and that a value and a stream are
// masked alike.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 44, 10, 27}, []byte{2})
	f.Fuzz(func(t *testing.T, seed, sizes []byte) {
		if len(seed) > 60 || len(sizes) > 20 {
			return
		}
		checkStream(t, stream(seed), sizes)
	})
}

// FuzzBytes is FuzzStream over streams that are not put together from pieces.
func FuzzBytes(f *testing.F) {
	for _, l := range corpus(f) {
		f.Add([]byte(l.Text), []byte{3, 0})
	}
	f.Fuzz(func(t *testing.T, s, sizes []byte) {
		if len(s) > 2000 || len(sizes) > 20 {
			return
		}
		checkStream(t, string(s), sizes)
	})
}

// TestStream is FuzzStream on random seeds, the same ones at each run.
func TestStream(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range mask.Trials(8000) {
		seed := make([]byte, 1+r.IntN(12))
		for i := range seed {
			seed[i] = byte(r.UintN(uint(len(pieces))))
		}
		checkStream(t, stream(seed), []byte{byte(r.UintN(40)), byte(r.UintN(4))})
	}
}

// wrapped is a secret with what has no width, and nothing that can part it,
// between its characters.
func wrapped(r *rand.Rand, secret string) string {
	dust := []string{"\x1b[m", "\x1b[38;5;154m", "\x1b[38;2;254;100;17m", "\x1b[C", "\x1b]0;title\a", "\x1b]8;;http://x/\x1b\\", "\x1b(B", "\x00", "\u200b", "\u2060", "\u009b7m", "\x1bP$q\x1b\\", "\x1b7"}
	var b strings.Builder
	for i := range len(secret) {
		for r.IntN(3) == 0 {
			b.WriteString(dust[r.IntN(len(dust))])
		}
		b.WriteByte(secret[i])
	}
	return b.String()
}

// strip is what a terminal would show of s, for the sequences that wrapped uses.
func strip(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		switch {
		case strings.HasPrefix(s, "\x1b[") || strings.HasPrefix(s, "\u009b"):
			s = s[2+strings.IndexAny(s[2:], "mCH")+1:]
		case strings.HasPrefix(s, "\x1b]") || strings.HasPrefix(s, "\x1bP"):
			end := strings.IndexAny(s[1:], "\a\x1b") + 1
			if s[end] == '\x1b' {
				end++
			}
			s = s[end+1:]
		case strings.HasPrefix(s, "\x1b("):
			s = s[3:]
		case s[0] == '\x1b':
			s = s[2:]
		default:
			c, n := utf8.DecodeRuneInString(s)
			if c >= 0x20 && c < 0x7f || c == '\n' || c == 'é' {
				b.WriteByte(byte(c)) // a cell, a byte
			}
			s = s[n:]
		}
	}
	return b.String()
}

// FuzzPlanted checks that no planted secret is in the output, whatever is written
// between its characters and however the stream is cut.
func FuzzPlanted(f *testing.F) {
	f.Add(uint64(1), []byte{0})
	f.Add(uint64(7), []byte{30, 1})
	f.Fuzz(func(t *testing.T, seed uint64, sizes []byte) { planted(t, seed, sizes) })
}

func TestPlanted(t *testing.T) {
	for seed := range uint64(mask.Trials(1500)) {
		planted(t, seed, []byte{byte(seed % 50), 0, byte(seed % 7)})
	}
}

func planted(t testing.TB, seed uint64, sizes []byte) {
	t.Helper()
	secrets := []string{"4111 1111 1111 1111", "5555555555554444", "371449635398431", "734-55-9577", "yara.engel507@example.com",
		"+44 20 7946 0349", "(212) 555-0144", "DE82263510988860020746", "GB86 WEST 8423 3646 0427 70", "AKIAFRB7QN3VKRKSSVTN",
		"ghp_iq8rUouWU9WEkBLOSwzHGGW0ccPUZdZDOPgJ", "sk_test_iNggCcegJrNYHMMYyS3xMW35", "xoxb-330795897439-803300159050-e8G6tIGYpgsjSF5jGD3ZWXGo",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.zMmAK18B2MKyitxKzTQhovFD5S7hhW9wFT6RHxEQEk4", "-----BEGIN PRIVATE KEY-----\nAjKLQLfJhhQoKG3fUloNQUGANG\n-----END PRIVATE KEY-----"}
	between := []string{" ", "\n", ", ", "\x1b[0m | ", ": ", "=", "\t", "\x1b[3;4H", "(", "é "}
	r := rand.New(rand.NewPCG(seed, 1))
	var s strings.Builder
	for range 6 {
		s.WriteString("text " + between[r.IntN(len(between))])
		s.WriteString(wrapped(r, secrets[r.IntN(len(secrets))]))
		s.WriteString(between[r.IntN(len(between))] + " more")
	}
	p := plan(t)
	for _, terminal := range []bool{false, true} {
		got, _ := write(t, p, terminal, s.String(), sizes)
		shown := strip(got)
		for _, secret := range secrets {
			if strings.Contains(shown, secret) {
				t.Fatalf("%q is in the output of %q\n%q", secret, s.String(), got)
			}
			if n := len(secret) - 5; strings.Contains(shown, secret[:n]) || strings.Contains(shown, secret[5:]) {
				t.Fatalf("most of %q is in the output of %q\n%q", secret, s.String(), got)
			}
		}
		if terminal && len(shown) != len(strip(s.String())) {
			t.Fatalf("%q takes other cells than\n%q", got, s.String())
		}
	}
}

// FuzzHold checks that what is held back stays within the bound, and that no
// character or short escape sequence is cut between two writes.
func FuzzHold(f *testing.F) {
	f.Add([]byte{77, 78}, byte(0))
	f.Add([]byte{33, 50, 28, 50, 29, 50, 76}, byte(9))
	f.Fuzz(func(t *testing.T, seed []byte, size byte) {
		if len(seed) > 200 {
			return
		}
		held(t, stream(seed), 1+int(size))
	})
}

func TestHold(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range mask.Trials(300) {
		seed := make([]byte, r.IntN(30))
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		held(t, stream(seed), 1+r.IntN(20))
	}
	for i, p := range pieces {
		if testing.Short() && i%10 != 0 {
			continue
		}
		held(t, strings.Repeat(p, 200<<10/len(p)), 4<<10)
		held(t, "4111"+strings.Repeat(p, 200<<10/len(p)), 4<<10)
	}
	// The worst there is: each character of an address far from the next.
	dust := strings.Repeat("\x1b[38;5;154m", 11)
	var s strings.Builder
	for range 700 {
		s.WriteString("x" + dust)
	}
	at := strings.Repeat("x"+dust, 60) + "@" + strings.Repeat("x"+dust, 400)
	held(t, s.String()+at, 500)
	for _, begin := range []string{"x://u:", "eyJhbGciOiJIUzI1NiIs", "password=\"", "-----BEGIN PRIVATE KEY-----\n", "sk_test_", "xoxb-1-", "github_pat_", "+", "ya29."} {
		held(t, s.String()+begin+strings.Repeat("1"+dust, 600), 500)
		held(t, s.String()+begin+strings.Repeat("aB"+dust, 600), 500)
	}
}

func held(t testing.TB, s string, size int) {
	t.Helper()
	var out pieceWriter
	w := plan(t).Terminal(&out)
	ascii := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	in := 0
	for rest := s; len(rest) > 0; {
		n := min(size, len(rest))
		if _, err := w.Write([]byte(rest[:n])); err != nil {
			t.Fatal(err)
		}
		in, rest = in+n, rest[n:]
		// A star is as long as what it hides, if that is ASCII.
		if (ascii || w.Hits() == 0) && in-out.n > mask.MaxHold {
			t.Fatalf("%d bytes held after %d of %q", in-out.n, in, s)
		}
	}
	if !utf8.ValidString(s) {
		return
	}
	for _, p := range out.pieces {
		if !utf8.ValidString(p) {
			t.Fatalf("a character of %q is cut: %q", s, p)
		}
	}
}

type pieceWriter struct {
	pieces []string
	n      int
}

func (w *pieceWriter) Write(b []byte) (int, error) {
	w.pieces = append(w.pieces, string(b))
	w.n += len(b)
	return len(b), nil
}

func TestEscapesStayWhole(t *testing.T) {
	var out pieceWriter
	w := plan(t).Writer(&out)
	for _, c := range []byte("a \x1b[38;5;154mb \x1b]0;title\a \x1b(Bc é\u009b1m\x1bP1$r\x1b\\. ") {
		if _, err := w.Write([]byte{c}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a ", "\x1b[38;5;154m", "b ", "\x1b]0;title\a", " ", "\x1b(B", "c ", "é", "\u009b1m", "\x1bP1$r\x1b\\", ".", " "}
	joined := strings.Join(out.pieces, "")
	for _, p := range out.pieces {
		for _, seq := range want {
			if len(p) < len(seq) && strings.HasPrefix(seq, p) && strings.ContainsAny(p, "\x1b\u009b") {
				t.Errorf("wrote %q, a part of %q", p, seq)
			}
		}
	}
	if joined != strings.Join(want, "") {
		t.Errorf("wrote %q", joined)
	}
}

func TestFlush(t *testing.T) {
	var out bytes.Buffer
	w := plan(t).Terminal(&out)
	step := func(in, want string, flush bool) {
		t.Helper()
		out.Reset()
		if _, err := w.Write([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if flush {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != want {
			t.Errorf("after %q: %q, want %q", in, out.String(), want)
		}
	}
	step("$ ", "$ ", false)
	step("l", "", false)
	step("", "l", true)
	step("s 4111", "s ", false)
	step("1111", "", false)
	step("11111111\n", "****************\n", false)
	step("\x1b[3", "\x1b[3", true)
	step("1m4111111111111111\x1b[0m ", "1m****************\x1b[0m ", false)
	step("4111", "4111", true)
	step("111111111111 ", "111111111111 ", true) // the first digits are gone
	step("12345", "12345", true)
	step("\x1b[H", "\x1b[H", false)
	step("4111111111111111 ", "**************** ", false) // elsewhere on the screen
	step("\xe6\xbc", "\xe6\xbc", true)
	step("\xa2 bob@漢字.example.org ", "\xa2 ******************** ", true)
	if err := w.Flush(); err != nil || w.Hits() != 4 {
		t.Errorf("Flush: %v, %d hits", err, w.Hits())
	}
}

func TestWriterErrors(t *testing.T) {
	fail := errors.New("gone")
	for i, to := range []io.Writer{&failing{err: fail}, &failing{short: true}, &failing{err: fail}, &failing{err: fail}} {
		w := []*mask.Plan{plan(t), plan(t), rules(t), nil}[i].Writer(to)
		want := fail
		if to.(*failing).short {
			want = io.ErrShortWrite
		}
		if n, err := w.Write([]byte("hello there ")); n != 0 || !errors.Is(err, want) {
			t.Errorf("Write: %d, %v; want %v", n, err, want)
		}
		to.(*failing).err, to.(*failing).short = nil, false
		if _, err := w.Write([]byte("again ")); !errors.Is(err, want) {
			t.Errorf("second Write: %v, want %v", err, want)
		}
		if err := w.Flush(); !errors.Is(err, want) {
			t.Errorf("Flush: %v, want %v", err, want)
		}
		if got := to.(*failing).calls; got != 1 {
			t.Errorf("%d writes behind, want 1", got)
		}
	}
}

type failing struct {
	err   error
	short bool
	calls int
}

func (f *failing) Write(b []byte) (int, error) {
	f.calls++
	if f.short {
		return len(b) - 1, nil
	}
	return len(b), f.err
}

// TestLargeWrite crosses the bounds of what is read at once.
func TestLargeWrite(t *testing.T) {
	p := plan(t)
	for _, fill := range []int{32<<10 - 20, 32<<10 - 5, 32 << 10, 64<<10 - 10} {
		s := strings.Repeat("x", fill-1) + " 4111 1111 1111 1111 " + strings.Repeat("y ", 40<<10)
		want := strings.Replace(s, "4111 1111 1111 1111", "[card *1111]", 1)
		if got, hits := write(t, p, false, s, nil); got != want || hits != 1 {
			t.Errorf("fill %d: %d bytes, %d hits", fill, len(got), hits)
		}
		if got, _ := p.Text(s); got != want {
			t.Errorf("fill %d: Text differs", fill)
		}
	}
}

func ExamplePlan_Writer() {
	p, err := mask.NewPlan(nil, []string{"card", "email"})
	if err != nil {
		panic(err)
	}
	var out strings.Builder
	w := p.Writer(&out)
	fmt.Fprint(w, "paid with 4111 1111 1")
	fmt.Fprint(w, "111 1111 by bob@example.com\n")
	if err := w.Flush(); err != nil {
		panic(err)
	}
	fmt.Print(out.String())
	// Output: paid with [card *1111] by [email]
}
