package clickhouse

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

// TestShortened signs in with profiles under which the server cuts answers short and says
// nothing of it. Where their settings can be changed it cuts none; where not, each answer
// says that it may not be all.
func TestShortened(t *testing.T) {
	s, name := database(t, "create table t (a UInt64) engine = MergeTree order by a", "insert into t select number from numbers(200000)")
	for user, fixed := range map[string]bool{"shortened": false, "fixed": true} {
		e := endpoint(s, name)
		e.User = user
		c := open(t, e, &connectortest.Guard{})
		rows, err := ask(t, c, &connectortest.Guard{}, "select a from t")
		said := strings.Contains(strings.Join(rows, "\n"), "may not be all")
		switch {
		case err == nil && len(rows) < 200000 && !said:
			t.Errorf("%s: %d rows of 200000 are called all there are", user, len(rows))
		case fixed != said:
			t.Errorf("%s: said that it may not be all: %v", user, said)
		}
	}
}
