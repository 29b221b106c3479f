package lineage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver"

	"github.com/sallyport/sallyport/mask"
)

// world is a catalog: people with a masked column, and what is around them.
type world map[string]*Relation

func (w world) Relation(schema, name string) (*Relation, bool) {
	if schema != "" && schema != "d" {
		return nil, false
	}
	r, ok := w[name]
	return r, ok
}

func (world) Function(name string) Effect {
	switch {
	case slices.Contains(strings.Fields("upper concat left count min max sum coalesce if length row_number group_concat now substr lower ord repeat"), name):
		return Total
	case slices.Contains(strings.Fields("exp json_extract"), name):
		return Partial
	}
	return Unknown
}

func relation(name string, columns ...string) *Relation {
	r := &Relation{Schema: "d", Name: name, Parents: map[string][]mask.Column{}, Children: map[string][]mask.Column{}}
	for _, c := range columns {
		r.Columns = append(r.Columns, Attribute{Name: c})
	}
	r.Keys = []Key{{Columns: columns[:1], Unique: true, Primary: true}}
	return r
}

func shop(t testing.TB) world {
	t.Helper()
	short := expression(t, "left(email, 3)")
	mails := parse(t, "select p.id as a, upper(p.email) as b from people p").(ast.ResultSetNode)
	w := world{
		"people": relation("people", "id", "name", "email", "tier"),
		"orders": relation("orders", "id", "person", "note", "total"),
		"copies": relation("copies", "id", "v", "email"),
	}
	w["people"].Keys = append(w["people"].Keys, Key{Columns: []string{"email"}, Unique: true}, Key{Columns: []string{"tier", "name"}})
	w["people"].Checks = [][]string{{"email", "name"}}
	w["people"].Columns = append(w["people"].Columns, Attribute{Name: "short", Generated: func() (ast.ExprNode, error) { return short, nil }})
	w["mails"] = relation("mails", "who", "mail")
	w["mails"].Query = func() (ast.ResultSetNode, error) { return mails, nil }
	w["made"] = relation("made", "id", "secret", "v")
	w["made"].Columns[2].Default = func() []string { return []string{"SECRET"} }
	w["stats"] = relation("stats", "id", "rows_")
	w["stats"].Columns[1].Closed = true
	return w
}

func parse(t testing.TB, text string) ast.StmtNode {
	t.Helper()
	list, _, err := parser.New().ParseSQL(text)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	return list[0]
}

func expression(t testing.TB, text string) ast.ExprNode {
	return parse(t, "select "+text).(*ast.SelectStmt).Fields.Fields[0].Expr
}

// word is a result in short: columns as name=source (=~ where they are computed),
// then predicates and writes.
func word(r *Result) string {
	if !r.Understood {
		return "? " + r.Why
	}
	var out []string
	short := func(cols []mask.Column) string {
		var s []string
		for _, c := range cols {
			s = append(s, c.Table+"."+c.Name)
		}
		return strings.Join(s, "+")
	}
	for _, c := range r.Columns {
		op := "=~"
		if c.Direct {
			op = "="
		}
		out = append(out, c.Name+op+short(c.Sources))
	}
	for _, p := range r.Predicates {
		eq := ""
		if p.Equality {
			eq = fmt.Sprintf("==%d", r.Tries[p.Column])
		}
		out = append(out, "["+p.Clause+" "+p.Column.Table+"."+p.Column.Name+eq+"]")
	}
	for _, w := range r.Writes {
		out = append(out, w.Into+"<-"+short(w.Sources))
	}
	return strings.Join(out, " ")
}

// stars doubles the columns of a table as often as that.
func stars(n int) string {
	text := "select * from copies"
	for range n {
		text = "select a.*, b.* from (" + text + ") a, (select 1) b, copies c"
		text = "select x.*, x.* from (" + text + ") x"
	}
	return text
}

const byIndex = "the order of an index: ORDER BY a key of the table"

func TestLineage(t *testing.T) {
	w := shop(t)
	for _, x := range []struct{ text, want string }{
		{"select email from people order by id", "email=people.email [ORDER BY people.id]"},
		{"select EMAIL as x, 1 one from people p order by p.id", "x=people.email one= [ORDER BY people.id]"},
		{"select upper(email) u from people order by id", "u=~people.email [ORDER BY people.id]"},
		{"select * from copies order by id", "id=copies.id v=copies.v email=copies.email [ORDER BY copies.id]"},
		{"select p.id, o.note from people p join orders o on o.person = p.id order by o.id", "id=people.id note=orders.note [ORDER BY orders.id] [ON orders.person] [ON people.id]"},
		{"select v from copies where email = 'x' order by id", "v=copies.v [WHERE copies.email==1] [ORDER BY copies.id]"},
		{"select v from copies where email in ('x', 'y') order by id", "v=copies.v [WHERE copies.email==2] [ORDER BY copies.id]"},
		{"select v from copies where email = 1 order by id", "v=copies.v [WHERE copies.email] [ORDER BY copies.id]"},
		{"select v from copies where email like 'x' or v = 'y' order by id", "v=copies.v [WHERE copies.email] [ORDER BY copies.id] [WHERE copies.v==1]"},
		{"select x from (select email x from copies order by id) s", "x=copies.email [ORDER BY copies.id] [" + byIndex + " copies.id]"},
		{"with c(z) as (select email from copies where id = 1) select concat(z, '') k from c", "k=~copies.email [WHERE copies.id]"},
		{"with recursive r(n, e) as (select 1, v from copies where id = 1 union all select n + 1, concat(e, '') from r where n < 3) select e from r", "e=~copies.v [WHERE copies.id] [" + byIndex + " copies.id]"},
		{"select v from copies where id = 1 union all select email from copies where id = 2", ""},
		{"select mail from mails order by who", "mail=~people.email [ORDER BY people.id]"},
		{"select short from people order by id", "short=~people.email+people.short [ORDER BY people.id]"},
		{"select (select email from copies where id = 1) k", "k=copies.email [WHERE copies.id]"},
		{"select exp(length(email)) k from copies order by id", "k=~copies.email [an error of exp copies.email] [ORDER BY copies.id]"},
		{"select if(email > 'm', exp(9), 1) k from copies order by id", "k=~copies.email [an error copies.email] [the time that it takes copies.email] [ORDER BY copies.id]"},
		{"select email + 1 k from copies order by id", "k=~copies.email [an error of plus copies.email] [ORDER BY copies.id]"},
		{"select count(*), max(email) m from copies", "count(*)=~ m=~copies.email"},
		{"select id from people", "id=people.id [" + byIndex + " people.email] [" + byIndex + " people.id] [" + byIndex + " people.name] [" + byIndex + " people.tier]"},
		{"select id from people where tier = 'a'", "id=people.id [" + byIndex + " people.id] [" + byIndex + " people.name] [WHERE people.tier==1] [" + byIndex + " people.tier]"},
		{"select id from people where id = 4", "id=people.id [WHERE people.id]"},
		{"select id, row_number() over (order by email) n from people order by id", "id=people.id n=~people.email [OVER people.email] [ORDER BY people.id]"},
		{"insert into copies (v) select email from people where id = 1", "[a unique key copies.id] [an error of what is written people.email] [WHERE people.id] [an error of a conversion people.id] copies.v<-people.email"},
		{"insert into copies (id, v) values (1, 'x')", "[a unique key copies.id==1]"},
		{"update people set name = 'x' where id = 1", "[a CHECK people.email] [WHERE people.id] [an error of a conversion people.id]"},
		{"update people set email = 'x' where id = 1", "[a unique key people.email] [WHERE people.id] [an error of a conversion people.id] [a CHECK people.name]"},
		{"update copies c join people p on p.id = c.id set c.v = p.email", "[ON copies.id] [an error of a conversion copies.id] [an error of what is written people.email] [ON people.id] [an error of a conversion people.id] copies.v<-people.email"},
		{"delete from copies where email = 'x'", "[WHERE copies.email==1]"},
		{"set @x = (select email from copies where id = 1)", "[WHERE copies.id] the variable x<-copies.email"},
		{"select @x := email from copies where id = 1", "@x := email=~copies.email [WHERE copies.id] the variable @x<-copies.email"},
		{"create table t as select email from copies where id = 1", "[WHERE copies.id] [an error of a conversion copies.id] the table t<-copies.email"},
		{"create view t as select email from copies where id = 1", "[WHERE copies.id] the view t<-copies.email"},
		{"alter table copies add column x int", ""},
		{"drop table copies", ""},
		{"select secret(1)", "? the function secret is not understood"},
		{"select d.upper('x')", "? the function d.upper is not understood"},
		{"select nothing from copies", "? the column nothing is not known"},
		{"select 1 from other.people", "? the table people is not known"},
		{"select rows_ from stats", "? the column rows_ tells of the values of tables"},
		{"select * from stats", "? a column that tells of the values of tables"},
		{"select id from stats order by id", "id=stats.id [ORDER BY stats.id]"},
		{"select @@warning_count", "? the variable warning_count tells of the statement before"},
		{"create temporary table people (id int)", "? a temporary table may stand in for another"},
		{"insert into mails (who) values (1)", "? a change through the view mails is not understood"},
		// Names that are not the server's.
		{"select (select p.email from (select 1 as email) P) k from people p where id = 1", "k=people.email [WHERE people.id]"},
		{"select (select p.email from (select 1 as email) p) k from people p where id = 1", "k= [WHERE people.id]"},
		{"select (select note from (select upper(email) k from copies where id = 1) d) from orders o where id = 1", "(select note from (select upper(email) k from copies where id = 1) d)=orders.note [WHERE copies.id] [WHERE orders.id]"},
		{"select (select d.`a b` from (select email+1 from copies where id = 1) d) k from (select v as `a b` from copies) d", "k=~copies.email+copies.v [an error of plus copies.email] [WHERE copies.id] [" + byIndex + " copies.id]"},
		{"select `upper(email)` from (select upper(email) from copies where id = 1) d", "upper(email)=~copies.email [WHERE copies.id]"},
		{"with recursive a as (select id from copies), copies as (select 1 as id) select id from a", "? the name copies is a common table expression to some servers, and a table to others"},
		{"with COPIES as (select 1 as id) select id from copies", "? the name copies is a common table expression to some servers, and a table to others"},
		{"select d.tier from orders o, lateral (select p.email, p.tier from people p where p.id = 1) d(tier, status) where o.id = 1", "tier=people.email [WHERE orders.id] [WHERE people.id]"},
		{"select d.k from orders o, lateral (select p.email as note, (select note) as k from people p where p.id = 1) d where o.id = 1", "k=orders.note+people.email [WHERE orders.id] [WHERE people.id]"},
		{"select 1 as ' id' from copies", "? the name  id may be another one to the server"},
		{"select id from (select upper(email) e, id from copies) d where e = 'A'", "id=copies.id [WHERE copies.email] [" + byIndex + " copies.id]"},
		{"update made set v = default where id = 1", "[WHERE made.id] [an error of a conversion made.id] [an error of what is written made.secret] made.v<-made.secret"},
		{"select default(v) k from made where id = 1", "k=~made.secret [WHERE made.id] [an error of DEFAULT made.secret]"},
		{"insert into made (id, secret) select id, secret from made where id = 1", "[WHERE made.id] [a unique key made.id] [an error of a conversion made.id] [an error of what is written made.secret] made.id<-made.id made.secret<-made.secret made.v<-made.secret"},
		{"alter table made alter column v set default (upper(secret))", "[ALTER TABLE made.id] [ALTER TABLE made.secret] [ALTER TABLE made.v] a changed table<-made.id+made.secret+made.v"},
		{"alter table orders exchange partition p with table copies", "[ALTER TABLE copies.email] [ALTER TABLE copies.id] [ALTER TABLE copies.v] [ALTER TABLE orders.id] [ALTER TABLE orders.note] [ALTER TABLE orders.person] [ALTER TABLE orders.total] a partition<-copies.email+copies.id+copies.v a changed table<-orders.id+orders.note+orders.person+orders.total"},
		// What is called for some values alone.
		{"select if(email > 'm', lower(id), 1) k from copies where id = 1", "k=~copies.email+copies.id [the time that it takes copies.email] [WHERE copies.id]"},
		{"select if(email > 'm', h, 1) k from (select email, lower(id) h from copies where id = 1) d", "k=~copies.email+copies.id [the time that it takes copies.email] [WHERE copies.id]"},
		{"select case when v = 'a' then 1 when email > 'm' then upper(v) end k from copies where id = 1", "k=~copies.email+copies.v [the time that it takes copies.email] [WHERE copies.id] [the time that it takes copies.v]"},
		{"select email > 'm' and lower(v) > 'a' k from copies where id = 1", "k=~copies.email+copies.v [the time that it takes copies.email] [WHERE copies.id]"},
		{"select coalesce(email, v, 'none') k, if(v > 'm', upper(email), '') u from copies where id = 1", "k=~copies.email+copies.v u=~copies.email+copies.v [WHERE copies.id] [the time that it takes copies.v]"},
		{"select repeat('a', ord(email)) k, repeat(email, 2) l from copies where id = 1", "k=~copies.email l=~copies.email [the time that repeat takes copies.email] [WHERE copies.id]"},
		{stars(20), "? it has too many columns to be traced"},
		{"show processlist", "? this SHOW may tell of the values of tables"},
		{"call p()", "? the statement is not understood"},
	} {
		got := word(Analyze(parse(t, x.text), w))
		if x.want == "" && !strings.HasPrefix(got, "?") {
			continue // understood, whatever it says
		}
		if got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.text, got, x.want)
		}
	}
}

// Whatever the text, the analysis ends, says why it did not understand, and speaks of
// columns that there are.
func FuzzLineage(f *testing.F) {
	for _, s := range []string{"select email from people", "select upper(email) from people p join copies c using (id)", "select x from (select email x from people) s where x = 'a'",
		"insert into copies (v) select email from people", "update copies set v = (select email from people where id = 1)", "select if(email > 'a', 1, 2) from people order by 1",
		"with c as (select email e from people) select e from c union select v from copies", "select (select p.email) from people p"} {
		f.Add(s)
	}
	w := shop(f)
	f.Fuzz(func(t *testing.T, text string) {
		list, _, err := parser.New().ParseSQL(text)
		if err != nil || len(list) != 1 || len(text) > 2000 {
			return
		}
		r := Analyze(list[0], w)
		if !r.Understood {
			if r.Why == "" {
				t.Error("not understood, and no reason")
			}
			return
		}
		known := set{}
		for _, c := range r.Columns {
			known = union(known, of(c.Sources...))
		}
		for _, p := range r.Predicates {
			known = union(known, of(p.Column))
		}
		for _, x := range r.Writes {
			known = union(known, of(x.Sources...), of(x.Targets...))
		}
		for c := range known {
			if _, ok := w[c.Table]; !ok {
				t.Errorf("%q: the column %v is of no table", text, c)
			}
		}
	})
}
