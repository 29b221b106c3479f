package mssql

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
)

// said is an ERROR token.
func said(text string) []byte {
	b := []byte{0x32, 2, 0, 0, 1, 16, byte(len(text)), 0}
	for _, r := range text {
		b = append(b, byte(r), 0)
	}
	b = append(b, 0, 0, 1, 0, 0, 0)
	return append([]byte{0xaa, byte(len(b)), byte(len(b) >> 8)}, b...)
}

// TestCutShort: an answer within which the server says an error, or that ends as an answer
// does not, is never called all there is, however its end is marked.
func TestCutShort(t *testing.T) {
	done := func(token byte, status uint16) []byte {
		return []byte{token, byte(status), byte(status >> 8), 0xc1, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	}
	row := []byte{0xd1, 4, 7, 0, 0, 0}
	for name, body := range map[string][]byte{
		"error, marked":                 joined(intColumn, row, said("boom"), done(0xfd, 2)),
		"error, not marked":             joined(intColumn, row, said("boom"), done(0xfd, 0x10)),
		"marked, no error":              joined(intColumn, row, done(0xfd, 2)),
		"error within a procedure":      joined(intColumn, row, said("boom"), done(0xff, 2)),
		"error within, not marked":      joined(intColumn, row, said("boom"), done(0xff, 0x10)),
		"error, then a procedure's end": joined(intColumn, row, said("boom"), done(0xff, 3), done(0xfe, 0)),
		"server error":                  joined(intColumn, row, done(0xfd, 0x100)),
		"no end":                        joined(intColumn, row),
		"more, and no end":              joined(intColumn, row, done(0xfd, 1)),
		"half a row":                    joined(intColumn, row, row[:3]),
		"error before rows":             joined(said("boom"), intColumn, row, done(0xfd, 0x10)),
		"error in a second answer":      joined(intColumn, row, done(0xfd, 0x11), intColumn, row, said("boom"), done(0xfd, 2)),
		"error after":                   joined(intColumn, row, done(0xfd, 0x11), said("boom"), done(0xfd, 2)),
	} {
		s := server(t, tdstest.Options{Raw: map[string][]byte{"SELECT a FROM dbo.t": body, "EXEC p": body, "UPDATE dbo.t SET a = 1 WHERE a = 2": body}})
		for _, text := range []string{"SELECT a FROM dbo.t", "EXEC p", "UPDATE dbo.t SET a = 1 WHERE a = 2"} {
			c := open(t, endpoint(s), &connectortest.Guard{})
			got, err := ask(t, c, anything(), text)
			var te *connectors.TargetError
			if err == nil {
				t.Errorf("%s, %s: called all there is: %q", name, text, got)
			} else if !errors.As(err, &te) && !errors.Is(err, connectors.ErrProtocol) && !errors.Is(err, connectors.ErrVanished) {
				t.Errorf("%s, %s: %v", name, text, err)
			}
			_ = c.Close()
		}
	}
}

// TestNothing: a SELECT that is answered without columns was not answered.
func TestNothing(t *testing.T) {
	s := server(t, tdstest.Options{Raw: map[string][]byte{"SELECT a FROM dbo.t": {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}})
	for _, readOnly := range []bool{true, false} {
		c := open(t, endpoint(s), &connectortest.Guard{})
		g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: readOnly} }}
		if got, err := ask(t, c, g, "SELECT a FROM dbo.t"); err == nil {
			t.Errorf("read only %v: %q", readOnly, got)
		}
	}
}

// TestCutShortSaysNothing: an error that comes while an answer is left, of a statement that
// touches a masked column, does not tell its number either.
func TestCutShortSaysNothing(t *testing.T) {
	const text = "SELECT id, email FROM dbo.customers ORDER BY id"
	head := []byte{0x81, 2, 0, 0, 0, 0, 0, 9, 0, 0x26, 4, 2, 'i', 0, 'd', 0, 0, 0, 0, 0, 9, 0, 0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34, 5, 'e', 0, 'm', 0, 'a', 0, 'i', 0, 'l', 0}
	row := []byte{0xd1, 4, 7, 0, 0, 0, 2, 0, 'x', 0}
	s := server(t, tdstest.Options{Setup: suiteSchema, Raw: map[string][]byte{text: joined(head, row, row, said("boom"), []byte{0xfd, 2, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0})}})
	plan := emails(t, mask.DenyPredicates)
	c := open(t, endpoint(s), &connectortest.Guard{})
	for range 20 { // an answer may have been left before the error came
		g := &connectortest.Guard{Seen: plan, Kept: plan, Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true, MaxRows: 1} }}
		got, err := ask(t, c, g, text)
		outcomes := g.Permits()[0].Outcomes()
		if len(outcomes) != 1 {
			t.Fatalf("%s %v %+v", got, err, outcomes)
		}
		all := fmt.Sprintf("%s %v %+v %v", got, err, outcomes, outcomes[0].Err)
		var te *connectors.TargetError
		if strings.Contains(all, "562") || errors.As(outcomes[0].Err, &te) && te.Code != "" {
			t.Fatal(all)
		}
		if outcomes[0].Err != nil {
			return
		}
	}
	t.Error("the error never came before the answer was left")
}
