package syntax

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// texts are the statements of the corpora, and others of the grammar's corners.
func texts(t testing.TB) []string {
	t.Helper()
	out := []string{
		"select count(*) filter (where a), sum(a) over (partition by b order by c rows between 1 preceding and unbounded following exclude ties) from t",
		"select a over from t", "select filter from t", "select over, window from t", "select sum(a) over w from t window w as (order by b), v as (w range current row)",
		"select a from t as window", "select left, right, natural from t", "select not a between 1 and 2 and b from t", "select a is not distinct from b, a is distinct from b, a not null from t",
		"select a not like b escape 'x', a not in (), a in t, a not glob 'b', a match b from t", "select cast(a as varchar(10, 2)), cast(b as unsigned big int) from t",
		"select case a when b then c when d then e else f end end from t", "with a as not materialized (select 1), recursive as (select 2) select * from a, recursive",
		"select * from t a left outer join (u natural join v) on a.x = v.y cross join w using (z, q)", "select * from main.t indexed by i where a", "select * from t as 'x' not indexed",
		"select 1 from t group by a, 2 having b order by c collate nocase desc nulls last limit 1, 2", "select ~-+a, a -> 'b' ->> 'c', a || b * c % d << 2 & ~3 from t",
		"insert or replace into main.t as x (a, 'b', \"c\") values (1, 2, 3), (4, 5, 6) on conflict (a collate nocase, b) where c do update set (a, b) = (1, 2), c = excluded.c where d on conflict do nothing returning *, a as z",
		"update or fail t as x indexed by i set (a, b) = (select 1, 2), c = 3 from u join v on 1 where x.a returning t.*", "delete from t not indexed where a returning a b",
		"create table if not exists main.t (a integer primary key desc on conflict abort autoincrement, b text not null collate nocase default (1 + 2) check (b > 1), c as (a + b) stored, d varchar(10) references u(x) on delete set null match full deferrable initially deferred, constraint k unique (a, b collate binary desc), primary key (a), foreign key (a, b) references v, check (a)) strict, without rowid",
		"create temp trigger if not exists x before update of a, b on t for each row when new.a > 1 begin select raise(ignore); update t set a = 1; insert into u select case when 1 then 2 end; end",
		"create unique index if not exists i on t (a collate nocase desc, lower(b)) where c is not null", "create view v (a, b) as values (1, 2) union select 3, 4",
		"alter table t add column x int not null default 1 check (x)", "alter table t rename column a to b", "select * from (values (1), (2)) as t(a)",
		"explain query plan select 1", "vacuum into 'x'", "pragma a.b = c", "select [a b].`c`.\"d\" from t", "select 1_000, 0xfF, .5e-3, 1., x'aB', ?1, :a, @b, $c", ";; select 1 ;;",
	}
	for _, file := range []string{"sqlite_masking.jsonl", "sqlite_benign.jsonl"} {
		f, err := os.Open("../../../testdata/corpus/" + file)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		for sc.Scan() {
			var l struct{ SQL string }
			if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
			out = append(out, l.SQL)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestParse: what the engine's grammar takes, Parse takes, too.
func TestParse(t *testing.T) {
	c, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	taken := 0
	for _, text := range texts(t) {
		_, faulty := Parse(text)
		s, tail, err := c.Prepare(text)
		if err == nil {
			_ = s.Close()
		}
		grammatical := err == nil || !strings.Contains(err.Error(), "syntax error") && !strings.Contains(err.Error(), "unrecognized token")
		if !grammatical || strings.TrimLeft(tail, "; \n") != "" || strings.Contains(text, "virtual table") || strings.Contains(text, "; select ssn") {
			continue
		}
		taken++
		if faulty != nil {
			t.Errorf("%s: %v", text, faulty)
		}
	}
	if taken < 400 {
		t.Errorf("the engine took only %d texts", taken)
	}
}

// FuzzParse: no text breaks the parser, and what stands between tokens changes
// nothing of what it says.
func FuzzParse(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		_, err := Parse(text)
		var b strings.Builder
		for _, tok := range Lex(text) {
			if tok.Pos < 0 || tok.End > len(text) || tok.End <= tok.Pos {
				t.Fatalf("%q: a token at [%d, %d)", text, tok.Pos, tok.End)
			}
			b.WriteString(text[tok.Pos:tok.End] + " \n")
		}
		if len(Lex(b.String())) != len(Lex(text)) {
			return // an unfinished token takes in what follows
		}
		if _, again := Parse(b.String()); (err == nil) != (again == nil) {
			t.Errorf("%q: %v, spaced out: %v", text, err, again)
		}
	})
}
