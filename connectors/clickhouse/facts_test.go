package clickhouse

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

//go:embed testdata/classes.txt
var classesText string

//go:embed testdata/attacks.sql
var attacksText string

func TestClasses(t *testing.T) {
	n := 0
	for line := range strings.Lines(classesText) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		n++
		class, text, _ := strings.Cut(line, " ")
		text = strings.TrimSpace(text)
		f := Facts(text)
		if class != "unknown" {
			want := strings.HasSuffix(class, "!")
			if f.Destructive != want {
				t.Errorf("%s: destructive %v (%s)", text, f.Destructive, f.Why)
			}
			if want && f.Why == "" {
				t.Errorf("%s: destructive without saying why", text)
			}
		}
		if got := f.Class.String(); got != strings.TrimSuffix(class, "!") {
			t.Errorf("%s: %s (%s), want %s", text, got, f.Why, class)
		}
		if f.Class == policy.Unknown && (!f.Opaque || f.Why == "") {
			t.Errorf("%s: unknown, but not opaque or without a reason", text)
		}
	}
	if n < 120 {
		t.Errorf("%d lines were read", n)
	}
}

func TestTables(t *testing.T) {
	for text, want := range map[string]string{
		"select a from db.t join u on 1":                       "db.t u",
		"with c as (select a from t) select a from c, d":       "t d",
		"select 1 from (select a from t) where x in u":         "t u",
		"select 1 from (select a from t) where x in (u)":       "t u",
		"insert into db.t (a) select a from `u v`":             "db.t! u v",
		"drop table if exists db.t":                            "db.t!",
		"truncate table t":                                     "t!",
		"alter table db.t delete where x in (select a from u)": "db.t! u",
		"alter table t attach partition 1 from db.u":           "t! db.u",
		"rename table a to db.b, c to d":                       "a! db.b! c! d!",
		"create table t as u":                                  "t! u",
		"create view v as select a from t":                     "v! t",
		"create materialized view v to w as select a from t":   "v! w! t",
		"show create table db.t":                               "db.t",
		"describe t":                                           "t",
		"exists table t":                                       "t",
		"select a from t array join arr as b":                  "t",
		"select a from t as array join u on 1":                 "t u",
		// a join with more tables behind its condition
		"select x from a join b on a.id = b.id, secrets limit 1 by x":       "a b secrets",
		"select x from (select 1 as id) a join b on (a.id = b.id), secrets": "b secrets",
		"select 1 from a sample 1, secrets":                                 "a secrets",
		"select x from a join b on a.x is distinct from b.x, secrets":       "a b b.x secrets",
		"select x from a join b on a.x is distinct from b.x and 1, secrets": "a b b.x secrets",
		"select 1 from a join b on b.array join secrets on 1":               "a b secrets",
		"delete from t where a in (select b from u)":                        "t! u",
		"select x from numbers(3)":                                          "",
		"explain select a from t":                                           "t",
	} {
		var got []string
		for _, k := range Facts(text).Tables {
			name := strings.TrimPrefix(k.Schema+"."+k.Name, ".")
			if k.Write {
				name += "!"
			}
			got = append(got, name)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", text, s, want)
		}
	}
}

// TestMany holds that what may be about more tables than it names is known as that.
func TestMany(t *testing.T) {
	for text, want := range map[string]bool{
		"truncate tables from d like 'sec%'": true, "truncate tables from d": true, "truncate all tables from d": true, "truncate database d": true, "truncate table `all`": false, "truncate table t": false,
		"detach database d": true, "detach database if exists d permanently": true, "drop database d": true, "drop tables from d like 'x'": true, "detach table t": false, "drop table a, b": false,
		"rename database a to b": true, "optimize table t final": false, "drop table t on cluster c": true, "drop table t in d": true,
	} {
		if f := Facts(text); f.Opaque != want || f.Class == policy.Read {
			t.Errorf("%s: %s, opaque %v, want %v (%v)", text, f.Class, f.Opaque, want, f.Tables)
		}
	}
}

// FuzzFacts holds that judging never fails, that what is not a read says why, and that
// text after a semicolon is never a read.
func FuzzFacts(f *testing.F) {
	for line := range strings.Lines(classesText) {
		_, text, _ := strings.Cut(line, " ")
		f.Add(strings.TrimSpace(text))
	}
	for line := range strings.Lines(attacksText) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g := Facts(text)
		if g.Class != policy.Read && g.Why == "" || g.Class == policy.Unknown && !g.Opaque {
			t.Errorf("%q: %+v", text, g)
		}
		if g.Class == policy.Read {
			if h := Facts(text + "\n; drop table t"); h.Class == policy.Read {
				t.Errorf("%q: still a read with another statement", text)
			}
			if h := Facts(text + "\n"); h.Class != policy.Read {
				t.Errorf("%q: a line's end makes it %s", text, h.Class)
			}
		}
	})
}
