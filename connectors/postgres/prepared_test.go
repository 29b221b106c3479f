package postgres

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// TestPrepared: EXECUTE is what its PREPARE said, on the connection that
// prepared it, until something may have changed that.
func TestPrepared(t *testing.T) {
	s, name := database(t, "create table t (n int); insert into t values (1), (2); create function f() returns int language plpgsql as $$ begin return 1; end $$")
	c := openApp(t, s, name, allow())
	class := func(text string) string {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if f.Destructive {
			return f.Class.String() + "!"
		}
		return f.Class.String()
	}
	for _, text := range []string{"prepare r(int) as select n from t where n = $1", "prepare d as delete from t"} {
		if _, _, _, err := run(t, c, allow(), text); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{"execute r(1)": "read", "execute d": "write!", "execute nothing": "unknown", "execute r(nextval('x'))": "write", "explain analyze execute d": "unknown"} {
		if got := class(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	g := &connectortest.Guard{}
	if cols, rows, _, err := run(t, c, g, "execute r(2)"); err != nil || len(rows) != 1 || cols[0].Origin == nil || cols[0].Origin.Table != "t" {
		t.Errorf("%v %q, %v", cols, rows, err)
	}
	if f := g.Operations()[0].Facts; f.Copies || len(f.Tables) != 1 || f.Tables[0].Name != "t" {
		t.Errorf("facts %+v", f)
	}
	if _, _, _, err := run(t, c, allow(), "select f()"); err != nil {
		t.Fatal(err)
	}
	if got := class("execute r(1)"); got != "unknown" {
		t.Errorf("after a function that may prepare anything: %s", got)
	}
}
