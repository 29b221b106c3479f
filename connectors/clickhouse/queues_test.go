package clickhouse

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// TestQueues: what is read from a queue is gone from it, so that is no read.
func TestQueues(t *testing.T) {
	s, name := database(t, "create table incoming (a String) engine = Kafka('127.0.0.1:1', 't', 'g', 'CSV')", "create table t (a String) engine = Memory")
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	for text, want := range map[string]policy.Class{
		"select a from incoming": policy.Write, "select * from " + name + ".incoming limit 1": policy.Write, "select a from t where a in incoming": policy.Write,
		"select count() from (select a from `incoming`)": policy.Write, "insert into t select a from incoming": policy.Write,
		"select a from t": policy.Read, "describe incoming": policy.Read, "show create table incoming": policy.Read, "insert into incoming values ('x')": policy.Write, "drop table incoming": policy.DDL,
	} {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil || f.Class != want || want == policy.Write && f.Why == "" {
			t.Errorf("%s: %s (%s), want %s", text, f.Class, f.Why, want)
		}
	}
}
