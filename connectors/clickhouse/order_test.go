package clickhouse

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// TestStoredOrder: rows of a table that is stored by a masked column are not shown in
// that order by an ORDER BY that puts them in none.
func TestStoredOrder(t *testing.T) {
	s, name := database(t, suiteSchema...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, masks...)
	for text, refused := range map[string]bool{
		"select name from by_mail order by id * 0":                    true,
		"select name from by_mail order by name = 'x'":                true,
		"select name, id * 0 as z from by_mail order by z":            true,
		"select name, 0 as id from by_mail order by id":               true,
		"select name, 0 as id from by_mail as b order by b.id":        true,
		"select name from by_mail order by (id)":                      true,
		"select name from by_mail order by id limit 2":                false,
		"select name, id as n from by_mail order by n limit 2":        false,
		"select b.name from by_mail as b order by b.id desc limit 2":  false,
		"select name from by_mail order by id % 2, by_mail.name desc": false,
	} {
		_, err := ask(t, c, &connectortest.Guard{Seen: p, Kept: p}, text)
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "order in which rows are stored") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPasswordOfView: a view's text may hold what signs in elsewhere.
func TestPasswordOfView(t *testing.T) {
	s, name := database(t, "create table plain (id UInt32) engine = Memory", "create view v as select id from plain")
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	for text, want := range map[string]policy.Class{
		"show create table v": policy.Dangerous, "show create table " + name + ".v": policy.Dangerous, "show create table plain": policy.Read, "describe table v": policy.Read,
	} {
		if f, err := c.Judge(t.Context(), connectors.Statement{Text: text}); err != nil || f.Class != want {
			t.Errorf("%s: %s (%s), %v", text, f.Class, f.Why, err)
		}
	}
}

// TestInsertedColumns: a name that is none of the table's columns is not gone by.
func TestInsertedColumns(t *testing.T) {
	s, name := database(t, suiteSchema...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	for text, want := range map[string]bool{
		"insert into scratch (e) select name from customers": true, "insert into scratch (scratch.e) select name from customers": false,
		"insert into scratch (nosuch) select name from customers": false, "insert into scratch (nosuch) values ('x')": false,
	} {
		if tr, err := c.Trace(t.Context(), connectors.Statement{Text: text}); err != nil || tr.Understood() != want {
			t.Errorf("%s: %+v, %v", text, tr, err)
		}
	}
}
