package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// TestOtherDatabases: who may write to the resource's database may not write to the next
// one, which is another resource's. What stays is copied, so that the test can fail.
func TestOtherDatabases(t *testing.T) {
	s, e := database(t, "SET a mine")
	_, next := database(t, "SET b theirs")
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"COPY a b DB " + next.Database + " REPLACE", "copy a b replace db " + next.Database, "COPY a c DB " + next.Database, "MOVE a " + next.Database} {
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
		if _, _, err := ask(t, conn, g, text); err == nil || !strings.Contains(err.Error(), "not this resource's") {
			t.Errorf("%s: %v", text, err)
		}
	}
	n, _ := strconv.Atoi(next.Database)
	if v := run(t, s, n, "GET b"); v != "theirs" {
		t.Errorf("the key of the other database is %v", v)
	}
	if v := run(t, s, n, "DBSIZE"); v != int64(1) {
		t.Errorf("the other database has %v keys", v)
	}
	for _, text := range []string{"COPY a d", "COPY a f DB " + e.Database} {
		if _, _, err := ask(t, conn, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSpelledDocuments: where documents are masked by paths, nobody spells one by asking
// how many members come before a text.
func TestSpelledDocuments(t *testing.T) {
	_, e := database(t, `ZADD z 0 '{"email":"person17@secret.example"}'`)
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "mail", Path: "$.**.email"}}})
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{`ZLEXCOUNT z '[{"email":"p' '[{"email":"q'`, `ZREMRANGEBYLEX z '[{"email":"pf' '[{"email":"pg'`} {
		g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
		if rows, _, err := ask(t, conn, g, text); err == nil {
			t.Errorf("%s says %v", text, rows)
		}
	}
}

// TestSwappedDatabases: who may do anything to a database without masks does not bring the
// one of another resource in its place.
func TestSwappedDatabases(t *testing.T) {
	s, masked := database(t, "SET mail:1 person17@secret.example")
	_, e := database(t)
	if _, err := s.Do(t.Context(), "ACL", "SETUSER", "swaps", "on", ">"+appPassword, "~*", "&*", "+@all"); err != nil {
		t.Fatal(err)
	}
	e.User = "swaps"
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"SWAPDB " + masked.Database + " " + e.Database, "SWAPDB " + e.Database + " " + masked.Database} {
		_, _, err := ask(t, conn, &connectortest.Guard{Judge: anything}, text)
		if rows, _, _ := ask(t, conn, &connectortest.Guard{}, "GET mail:1"); err == nil || strings.Contains(fmt.Sprint(rows), "person17") {
			t.Errorf("%s: %v, and then there is %v", text, err, rows)
		}
	}
}
