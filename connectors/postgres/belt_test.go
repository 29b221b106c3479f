package postgres

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/policy"
)

// TestBelt judges wrongly on purpose: every labelled statement that changes
// something runs on the terms of a read, as the superuser. PostgreSQL's read-only
// transaction stops it, or it does no harm.
func TestBelt(t *testing.T) {
	s, name := corpusDatabase(t)
	w := newWitness(t, s, name)
	e := endpoint(s, name)
	e.User = pgserver.Superuser
	c := openAs(t, e, s.Password(), &connectortest.Guard{})
	misjudged := func() *connectortest.Guard {
		return &connectortest.Guard{
			Judge: func(connectors.Operation) error { return nil },
			Terms: func(connectors.Operation) connectors.Terms {
				return connectors.Terms{ReadOnly: true, Timeout: 5 * time.Second, MaxRows: 100}
			},
		}
	}
	before, sequence := w.one(digestText), w.one(sequenceText)
	tried, stopped := 0, 0
	for i, l := range append(corpus(t, "policy_more.jsonl"), corpus(t, "policy_public.jsonl")...) {
		if testing.Short() && i%5 != 0 {
			continue
		}
		class, err := policy.ParseClass(l.Class)
		if err != nil {
			t.Fatal(err)
		}
		if class == policy.Read || class == policy.Unknown || class == policy.Dangerous {
			continue
		}
		if strings.Contains(l.Input, "lo_") || strings.Contains(l.Input, "lowrite") {
			continue // until version 16 a read-only transaction does not stop these
		}
		if strings.HasPrefix(l.Input, "explain analyze create table") {
			continue // measured on 15.18: a read-only transaction does not stop this either
		}
		tried++
		_, _, _, err = run(t, c, misjudged(), l.Input)
		if err != nil {
			stopped++
		}
		if now := w.one(digestText); now != before {
			t.Fatalf("%s %q ran as a read and changed the database (%v)", l.ID, l.Input, err)
		}
		if now := w.one(sequenceText); now != sequence {
			t.Fatalf("%s %q ran as a read and moved a sequence (%v)", l.ID, l.Input, err)
		}
	}
	least := 200
	if testing.Short() {
		least = 40
	}
	if tried < least || stopped < tried*8/10 {
		t.Errorf("%d tried, %d stopped", tried, stopped)
	}
}

// TestBeltLimits: a read is cut at its time and at its rows, whatever it is.
func TestBeltLimits(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, Timeout: 50 * time.Millisecond, MaxRows: 10}
	}}
	var te *connectors.TargetError
	if _, _, _, err := run(t, c, g, "select pg_sleep(60)"); !errors.As(err, &te) || te.Code != queryCanceled || !te.Late {
		t.Errorf("a long read: %+v", err)
	}
	long := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{Timeout: time.Hour} }}
	if _, _, _, err := run(t, c, long, "select pg_cancel_backend(pg_backend_pid()), pg_sleep(60)"); !errors.As(err, &te) || te.Code != queryCanceled || te.Late {
		t.Errorf("cancelled by somebody at the target: %+v", err)
	}
	if _, rows, sum, err := run(t, c, g, "select generate_series(1, 100)"); len(rows) > 10 || sum.Rows > 10 {
		t.Errorf("%d rows, %+v, %v", len(rows), sum, err)
	}
}
