package sqltext

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestLex(t *testing.T) {
	for _, c := range []struct {
		d    Dialect
		text string
		want string // kinds and values; "!" and a part of the error
	}{
		{ClickHouse, "select a, `b c` from \"d\" -- x; y\nwhere e = 'f''g'", "w:select w:a s:, n:b c w:from n:d w:where w:e s:= t:f'g"},
		{ClickHouse, `'a\'b' 'c'`, `t:a\'b t:c`},
		{ClickHouse, `'a\'`, "!quote never ends"},
		{ClickHouse, "/* a; ' */1", "#:1"},
		{ClickHouse, "/* a /* b */ */", "!comment begins within"},
		{ClickHouse, "/* a", "!never ends"},
		{ClickHouse, "select 1 # x", "!character"},
		{ClickHouse, "select $a$x$a$", "!character"},
		{ClickHouse, "select 1 // x", "!comment"},
		{ClickHouse, "select ‘x’", "!character"},
		{ClickHouse, "select\u00a01", "!character"},
		{ClickHouse, "select x'41'", "!quote follows a word"},
		{ClickHouse, "select 'a'b", "!follows a quote"},
		{ClickHouse, "select 1_000", "!run together"},
		{ClickHouse, "select 0x1F, 1e-5, .5, 1.5, t.1", "w:select #:0x1F s:, #:1e-5 s:, #:.5 s:, #:1.5 s:, w:t s:. #:1"},
		{ClickHouse, "select `a\\`b`", "!backslash"},
		{ClickHouse, "select ``", "!empty"},
		{ClickHouse, "select (1", "!never closed"},
		{ClickHouse, "select (1]", "!closes nothing"},
		{ClickHouse, "select 1 -- a\rb", "!end its line"},
		{ClickHouse, "select 1 -- a\u2028b", "!end its line"},
		{ClickHouse, "select 1 -- a\r\n+1", "w:select #:1 s:+ #:1"},
		{ClickHouse, "select \x00", "!character"},
		{ClickHouse, "select '\x00'", "!control"},
		{ClickHouse, "\xff", "!UTF-8"},
		{ClickHouse, strings.Repeat("(", 300), "!too deeply"},
		{ClickHouse, strings.Repeat("a", MaxText+1), "!longer"},
		{ClickHouse, strings.Repeat("a ", MaxTokens+1), "!too many"},
		{ClickHouse, "a<=>b||c::d->e", "w:a s:<=> w:b s:|| w:c s::: w:d s:-> w:e"},
		{TSQL, "select [a]]b], N'x''y', @v, #t, ##u, a$b", "w:select n:a]b s:, t:x'y s:, v:@v s:, w:#t s:, w:##u s:, w:a$b"},
		{TSQL, `select 'a\', 1`, `w:select t:a\ s:, #:1`},
		{TSQL, "/* a /* ; */ ' */ 1", "#:1"},
		{TSQL, "select `a`", "!character"},
		{TSQL, "select 1\nGO\nselect 2", "!batch"},
		{TSQL, "select 1\n  go 5\n", "!batch"},
		{TSQL, "select 1 go", "w:select #:1 w:go"},
		{TSQL, "select x.go\n from x", "w:select w:x s:. w:go w:from w:x"},
		{TSQL, "select $", "!character"},
	} {
		tokens, err := Lex(c.d, c.text)
		var got []string
		for _, k := range tokens {
			got = append(got, string("swnt#v"[k.Kind])+":"+k.Value)
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = "!" + err.Error()
		}
		if strings.HasPrefix(c.want, "!") && err != nil && strings.Contains(text, c.want[1:]) {
			continue
		}
		if text != c.want {
			t.Errorf("%s %.60q:\n got %s\nwant %s", c.d.Name, c.text, text, c.want)
		}
	}
}

func TestSingle(t *testing.T) {
	for text, want := range map[string]int{"select 1": 2, "select 1;": 2, ";;select 1;;": 2, "": -1, ";": -1, "select 1; select 2": -1, "select ';'": 2, "select (1;2)": -1} {
		tokens, err := Lex(ClickHouse, text)
		if err != nil {
			t.Fatal(err)
		}
		st, err := Single(tokens)
		if n := len(st); (err != nil) != (want < 0) || err == nil && n != want {
			t.Errorf("%q: %d tokens, %v", text, n, err)
		}
	}
}

func TestAnother(t *testing.T) {
	for text, want := range map[string]string{
		"select 1 select 2": "select", "select 1 union all select 2": "", "select a from b exec c": "exec",
		"select a from b except select 1": "", "select (select 1)": "", "select 1 drop table x": "drop",
	} {
		tokens, _ := Lex(TSQL, text)
		if got, _ := Another(TSQL, tokens); got.Text != want {
			t.Errorf("%q: %q", text, got.Text)
		}
	}
}

func TestScan(t *testing.T) {
	for _, c := range []struct{ text, calls, sources string }{
		{"select f(a), b from c", "f", "c"},
		{"select in(a, b), a in (1), a in t, a in (t), a in ((u.v)), not in(c)", "in", "t t u.v c"},
		{"select 1 from (select x from y) z, w join v on 1", "", "w y v"},
		{"select 1 from url('x'), numbers(3) as n", "url numbers", "url() numbers()"},
		{"select `f`(1), db.g(2), and(1), left(x,1)", "f db.g left", ""},
		{"select 1 from a final, b as c, d e left join f using x", "", "a b d f"},
		{"select 1 from a b c", "", "a ?"},
		{"select 1 from {x}", "", "?"},
		{"select extract(year from d)", "extract", "d"},
		// tables behind what a join goes by
		{"select 1 from a join b on a.x = b.x, c where d, e", "", "a b c"},
		{"select 1 from a join b on (a.x = b.x), c, d group by e, f", "", "a b c d"},
		{"select 1 from a join b using (x), c", "", "a b c"},
		{"select 1 from a sample 1 / 10 offset 1 / 2, c d join e on 1, f", "", "a c e f"},
		{"select 1 from a join b on b.where = format and set in (1), c", "in", "a b c"},
		{"select 1 from (select 1 from a join b on x, c) z, d order by 1, 2", "", "d a b c"},
		{"select 1 from a join b on 1 except select 2, 3 from c", "", "a b c"},
		{"select 1 from a array join b, c where x", "", "a"},
		{"select 1 from a left array join b, c", "", "a"},
		{"select 1 from a join b on b.x array join c", "", "a b"},
		// an operand called array
		{"select 1 from a join b on b.array join c on 1", "", "a b c"},
		{"select 1 from a join b on x = array join c on 1", "", "a b c"},
		{"select 1 from a join b using array join c on 1", "", "a b c"},
	} {
		tokens, err := Lex(ClickHouse, c.text)
		if err != nil {
			t.Fatal(c.text, err)
		}
		m := Scan(ClickHouse, tokens)
		var calls, sources []string
		for _, k := range m.Calls {
			calls = append(calls, k.String())
		}
		for _, s := range m.Sources {
			name := s.String()
			if s.Function {
				name += "()"
			}
			sources = append(sources, name)
		}
		if m.Unread {
			sources = append(sources, "?")
		}
		if a, b := strings.Join(calls, " "), strings.Join(sources, " "); a != c.calls || b != c.sources {
			t.Errorf("%s:\n calls %q want %q\n sources %q want %q", c.text, a, c.calls, b, c.sources)
		}
	}
}

// shown is a resolution as one line: the answer's columns, a bar, what decides.
func shown(d Dialect, text string) string {
	tokens, err := Lex(d, text)
	if err != nil {
		return "!" + err.Error()
	}
	st, err := Single(tokens)
	if err != nil {
		return "!" + err.Error()
	}
	s, err := ReadSelect(d, st)
	if err != nil {
		return "!" + err.Error()
	}
	res, err := s.Resolve(world, d.Name == TSQL.Name)
	if err != nil {
		return "!" + err.Error()
	}
	var out []string
	for _, c := range res.Columns {
		var names []string
		for _, k := range c.Columns {
			names = append(names, k.Table+"."+k.Name)
		}
		word := strings.Join(names, "+")
		if !c.Direct {
			word = "(" + word + ")"
		}
		out = append(out, word)
	}
	out = append(out, "|")
	for _, p := range res.Predicates {
		word := p.Clause + ":" + p.Name
		if p.Equality {
			word += fmt.Sprintf("=%d", p.Tries)
		}
		out = append(out, word)
	}
	return strings.TrimSpace(strings.Join(out, " "))
}

// world is a catalog of two tables.
func world(parts []string) *Table {
	switch strings.ToLower(strings.Join(parts, ".")) {
	case "odd": // columns called as T-SQL calls others
		return &Table{Schema: "db", Name: "odd", Columns: []TableColumn{{Name: "id"}, {Name: "identitycol"}, {Name: "rowguidcol"}}}
	case "users", "db.users":
		return &Table{Schema: "db", Name: "users", Columns: []TableColumn{{Name: "id"}, {Name: "email"}, {Name: "n.x"}, {Name: "low", Hidden: true, From: []string{"email"}}}}
	case "orders", "db.orders":
		return &Table{Schema: "db", Name: "orders", Columns: []TableColumn{{Name: "id"}, {Name: "user_id"}, {Name: "status"}}}
	}
	return nil
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"select id, email from users", "users.id users.email |"},
		{"select u.email as e from db.users as u final", "users.email |"},
		{"select * from users", "users.id users.email users.n.x |"},
		{"select users.* from users limit 5 offset 2", "users.id users.email users.n.x |"},
		{"select lower(email), count(*) from users", "(users.email) () | an expression:email"},
		{"select low from users", "(users.low+users.email) | an expression:low an expression:email"},
		{"select n.x, n from users", "users.n.x (users.n.x) | an expression:n.x"},
		{"select email.1 from users", "(users.email) | an expression:email"},
		{"select id as email, email from users", "users.id (users.email+users.id) | an expression:email an expression:id"},
		{"select email as id, id from users", "users.email (users.id+users.email) | an expression:id an expression:email"},
		{"select email as email from users", "users.email |"},
		// a server may take the table's name off before it looks for items
		{"select email as id, u.id from users u", "users.email (users.id+users.email) | an expression:id an expression:email"},
		{"select email as id, db.users.id from users", "users.email (users.id+users.email) | an expression:id an expression:email"},
		{"select email as `n.x`, n.x from users", "users.email (users.n.x+users.email) | an expression:n.x an expression:email"},
		{"select email as `n.x`, users.n.x from users", "users.email (users.n.x+users.email) | an expression:n.x an expression:email"},
		{"select id as email, low from users", "users.id (users.low+users.email+users.id) | an expression:low an expression:email an expression:id"},
		{"select u.id as id, u.email as email from users u", "users.id users.email |"},
		{"select email as x from users where x = 'a'", "users.email | WHERE:email"},
		{"select id from users where email = 'a' and id in (1, 2)", "users.id | WHERE:email=3 WHERE:id=3"},
		{"select id from users where email = 'a' or id = 1", "users.id | WHERE:email WHERE:id"},
		{"select id from users where email like 'a%'", "users.id | WHERE:email"},
		{"select distinct email from users", "users.email | DISTINCT:email"},
		{"select email from users order by 1 desc nulls last", "users.email | ORDER BY:email"},
		{"select email from users order by (1)", "users.email | ORDER BY:email"},
		{"select email from users order by -1, id", "users.email | ORDER BY:id ORDER BY:email"},
		{"select email from users group by ((+1))", "users.email | GROUP BY:email"},
		{"select id from users order by email", "users.id | ORDER BY:email"},
		{"select max(id) as m from users group by email having m > 1", "(users.id) | an expression:id GROUP BY:email HAVING:id"},
		{"select o.status, u.email from orders o any left join users u on o.user_id = u.id", "orders.status users.email | ON:user_id ON:id"},
		{"select id from orders join users using (id)", "(orders.id+users.id) | an expression:id an expression:id USING:id USING:id"},
		{"select 1, 'x', true, now() - interval 1 day", "() () () () |"},
		{"select case when id = 1 then email else null end from users", "(users.id+users.email) | an expression:id an expression:email"},
		{"select cast(email as Nullable(String)), cast(id, 'String') from users", "(users.email) (users.id) | an expression:email an expression:id"},
		{"select arr[1], [id, 2], (id, email) from users", "!column arr is not known"},
		{"select 1 from users prewhere id = 1 where id between 1 and 2", "() | PREWHERE:id=1 WHERE:id"},
		{"select quantile(0.5)(id) from users", "(users.id) | an expression:id"},
		{"select * from users, orders", "!more than one table"},
		// newer servers look for a column first, whose elements these are if it is a tuple
		{"select email.* from users as email", "!of the column email"}, {"select n.* from users as n", "!of the column n.x"},
		{"select nosuch from users", "!not known"},
		{"select id from nosuch", "!not known"},
		{"select true.x from users", "!not known"},
		{"select `true` from users", "!not known"},
	} {
		if got := shown(ClickHouse, c.text); got != c.want && !(strings.HasPrefix(c.want, "!") && strings.HasPrefix(got, "!") && strings.Contains(got, c.want[1:])) {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestResolveTSQL(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"select top 5 [Email] from [DB].[Users] with (nolock)", "users.email |"},
		{"select top (5) email from users u", "users.email |"},
		{"select x = email from users", "!column x is not known"},
		{"select email x from users order by id offset 5 rows fetch next 2 rows only", "users.email | ORDER BY:id"},
		{"select email.* from users as email", "users.id users.email users.n.x |"},
		{"select email from users go", "users.email |"},
		{"select id from users where email in (N'a', 'b')", "users.id | WHERE:email=2"},
		{"select id from users where id in (id, 1)", "users.id | WHERE:id"},
	} {
		if got := shown(TSQL, c.text); got != c.want && !(strings.HasPrefix(c.want, "!") && strings.HasPrefix(got, "!") && strings.Contains(got, c.want[1:])) {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// TestNamesInNames holds that names which stand twice in each other do not take forever.
func TestNamesInNames(t *testing.T) {
	items := []string{"id as a0"}
	for i := range 40 {
		items = append(items, fmt.Sprintf("a%d + a%d as a%d", i, i, i+1))
	}
	if got := shown(ClickHouse, "select "+strings.Join(items, ", ")+" from users"); !strings.Contains(got, "too often") {
		t.Errorf("got %.200s", got)
	}
}

// beyond are texts that ReadSelect must not take.
var beyond = map[*Dialect][]string{
	&ClickHouse: {
		"with email as x select x from users", "select (select email from users)", "select email from (select email from users)",
		"select email from users union all select 'x'", "select (email as e) from users", "select f(email as e) from users",
		"select * except email from users", "select * except(email) from users", "select * replace(email as id) from users",
		"select * apply(lower) from users", "select columns('e') from users", "select arrayMap(x -> email, [1]) from users",
		"select email from users array join n", "select email from users left array join n.x as y", "select email from url('x')",
		"select email from users limit 1 by id", "select email from users sample 0.1", "select id in users from orders",
		"select id in (users) from orders", "select id in (1, email) from users", "select tuple(*) from users", "select count(distinct *) from users",
		"select email from users format CSV", "select email from users settings a = 1", "select email from users into outfile 'x'",
		"select email from users group by id with totals", "select id ? email : 1 from users", "select {x:String} from users",
		"select email::String from users", "select sum(id) over (order by email) from users", "select exists(select 1)",
		"select email e f from users", "select from users", "select email, from users", "select email from users where",
		"select distinct on (id) email from users", "select top 5 email from users", "select top(5) email from users", "select email from users as", "select email from a.b.c.d(1)",
		"select email from users natural join orders", "select email from users asof join orders on 1 paste join x", "select (1 email) from users",
		"select cast(email as e, 'String') from users", "select cast(email as a as String) from users", "select email not from users", "select not from users",
		"select email is from users", "select date '2020-01-01'", "insert into t select 1", "from users select email", "explain select 1",
		"select email from users where id = any (select 1)", "select email from users qualify id = 1", "select email from users limit (select 1)",
		"select email from users order by id with fill", "select * from users, lateral x", "select a b c", "select f(", "select case end",
		"select case when 1 end", "select email from users limit 1 with ties", "select email from users parallel with select 1",
	},
	&TSQL: {
		"select email from users exec xp_cmdshell 'x'", "select email from users checkpoint", "select email into #t from users",
		"select email from users for xml auto", "select email from users option (recompile)", "select top (@n) email from users",
		"select email from users cross apply f(id)", "select email from openrowset('a', 'b', 'c')", "select email from users with (updlock)",
		"select row_number() over (order by email) from users", "select top 5 percent email from users", "select top 1 with ties email from users",
		"select email 'x' from users", "select email from users pivot (max(id) for a in (b)) p", "select email from users; select 1",
		"select email from srv.db.dbo.users x y", "select {fn now()}", "select email at time zone 'x' from users", "select email from users where contains(email, 'x')",
		"select a[1] b from users", "select identitycol from odd", "select o.rowguidcol from odd o", "select id from odd where odd.identitycol = 1",
	},
}

func TestBeyond(t *testing.T) {
	for d, texts := range beyond {
		for _, text := range texts {
			if got := shown(*d, text); !strings.HasPrefix(got, "!") {
				t.Errorf("%s %s: read as %s", d.Name, text, got)
			}
		}
	}
}

// FuzzRead holds that nothing panics, that the tokens are the text but for white space
// and comments, and that whatever the reader takes is taken again when it is written
// with one space between its tokens, and means the same.
func FuzzRead(f *testing.F) {
	for d, texts := range beyond {
		for _, text := range texts {
			f.Add(text, d.Bare)
		}
	}
	f.Add("select id, lower(email) as x from users u join orders using (id) where id in (1,2) group by 1 order by x desc limit 1, 2", false)
	f.Fuzz(func(t *testing.T, text string, tsql bool) {
		d := ClickHouse
		if tsql {
			d = TSQL
		}
		tokens, err := Lex(d, text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.At < 0 || e.At > len(text) && e.At != MaxText {
				t.Fatalf("error %v", err)
			}
			return
		}
		end := 0
		var words []string
		for _, k := range tokens {
			if k.At < end || text[k.At:k.end()] != k.Text {
				t.Fatal("tokens are out of order")
			}
			end = k.end()
			words = append(words, k.Text)
		}
		Scan(d, tokens)
		Another(d, tokens)
		got := shown(d, text)
		if strings.HasPrefix(got, "!") {
			return
		}
		if again := shown(d, strings.Join(words, "\n ")); again != got && !strings.Contains(again, "batch") {
			t.Fatalf("%q: %s, then %s", text, got, again)
		}
	})
}
