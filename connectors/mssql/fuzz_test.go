package mssql

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/policy"
)

// FuzzFacts holds that judging never fails, and that nothing can stand before another
// statement such that the whole is less than that statement is.
func FuzzFacts(f *testing.F) {
	b, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if _, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			f.Add(strings.ReplaceAll(text, `\n`, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Facts(text)
		if got.Class == policy.Unknown && (!got.Opaque || got.Why == "") {
			t.Fatalf("%q: unknown, but not opaque, or without a reason", text)
		}
		if got.Class != policy.Read && got.Why == "" {
			t.Fatalf("%q: %s without a reason", text, got.Class)
		}
		if got.Class != policy.Read && got.Class != policy.Write {
			return
		}
		for _, more := range []string{"\nDROP TABLE x", "\nEXEC p", "\n;SHUTDOWN", "\nDELETE x", "\nSELECT 1", "\n/* */ TRUNCATE TABLE x", "\nGRANT CONTROL TO x", "\nWAITFOR DELAY '1'", "\nSET ROWCOUNT 1"} {
			if f := Facts(text + more); f.Class == policy.Read || f.Class == policy.Write && !ends(text) {
				t.Fatalf("%q then %q is %s", text, more, f.Class)
			}
		}
		if again := Facts(text + "\n-- comment"); again.Class != got.Class || again.Destructive != got.Destructive {
			t.Fatalf("%q: %s, with a comment %s", text, got.Class, again.Class)
		}
	})
}

// ends reports whether a text may have a statement of its own at its end: an INSERT
// that its SELECT is missing from.
func ends(text string) bool {
	f := strings.Fields(strings.ToUpper(text))
	return len(f) > 0 && f[0] == "INSERT"
}

// FuzzAnswer holds that whatever a server answers ends a statement with an answer or
// an error of the hub's, and that the connection can be closed then.
func FuzzAnswer(f *testing.F) {
	const text = "SELECT 1 AS x"
	for _, b := range published(f) {
		f.Add(b[8:])
	}
	f.Add(joined(maxColumn, []byte{0xd1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 'x', 0, 0, 0, 0, 0}, finished))
	f.Add(joined(intColumn, []byte{0xd1, 4, 1, 0, 0, 0}, finished))
	s := server(f, tdstest.Options{})
	f.Fuzz(func(t *testing.T, answer []byte) {
		s.Answer(text, answer)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c := open(t, endpoint(s), &connectortest.Guard{})
		defer c.Close()
		r, err := c.Query(ctx, anything(), connectors.Statement{Text: text})
		for err == nil {
			_, err = r.Batch(ctx, 10)
		}
		var te *connectors.TargetError
		if !errors.Is(err, io.EOF) && !errors.As(err, &te) && !errors.Is(err, connectors.ErrProtocol) && !errors.Is(err, connectors.ErrUnsupported) && !errors.Is(err, connectors.ErrVanished) {
			t.Fatalf("%x: %v", answer, err)
		}
		if ctx.Err() != nil {
			t.Fatalf("%x: it did not end", answer)
		}
	})
}
