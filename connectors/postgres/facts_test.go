package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// TestClass: class, and ! where destructive, for each statement.
func TestClass(t *testing.T) {
	for text, want := range map[string]string{
		"select * from customers":                                    "read",
		"table customers":                                            "read",
		"values (1), (2)":                                            "read",
		"select lower(name), count(*) from t group by 1":             "read",
		"SeLeCt /* a; drop table t */ 1 -- delete from t":            "read",
		`select $x$; delete from t; $x$`:                             "read",
		"select now() at time zone 'UTC', extract(year from now())":  "read",
		"select substring('abc' from 2 for 1), position('a' in 'b')": "read",
		"with recursive r as (select 1 n union all select n+1 from r where n < 5) select * from r": "read",
		"explain delete from t":                            "read",
		"explain (analyze false) delete from t":            "read",
		"explain (analyze off, verbose) delete from t":     "read",
		"explain (analyze) delete from t":                  "write!",
		"explain (verbose, analyze true) update t set a=1": "write!",
		"explain analyze select 1":                         "read",
		"explain select pg_terminate_backend(1)":           "read",
		"explain execute p":                                "read",
		"show all":                                         "read",
		"set timezone = 'UTC'":                             "read",
		"reset timezone":                                   "read",
		"set enable_seqscan = off":                         "read",
		"begin":                                            "read",
		"commit":                                           "read",
		"rollback":                                         "read",
		"savepoint a":                                      "read",
		"declare c cursor for select 1":                    "read",
		"fetch 1 from c":                                   "read",
		"copy t to stdout":                                 "read",
		"prepare p as select 1":                            "read",

		"insert into t values (1)":                              "write",
		"insert into t select 1":                                "write",
		"insert into t values (1) on conflict do nothing":       "write",
		"select * from t for update":                            "write",
		"select * from (select * from t for share) s":           "write",
		"select nextval('s')":                                   "write",
		"select pg_catalog.nextval('s')":                        "write",
		`select "nextval"('s')`:                                 "write",
		`select U&"\006eextval"('s')`:                           "write",
		"select f() from t":                                     "unknown",
		"select public.lower('x')":                              "unknown",
		"select pg_advisory_lock(1)":                            "write",
		"notify c, 'x'":                                         "write",
		"copy t from stdin":                                     "write",
		"prepare p as delete from t":                            "write!",
		"set transaction read write":                            "write",
		"set session characteristics as transaction read write": "write",
		"with d as (update t set a = 1 where id = 3 returning a) select * from d":    "write",
		"with d as (delete from t) select 1":                                         "write!",
		"merge into t using s on t.id = s.id when matched then update set a = 1":     "write",
		"merge into t using s on true when matched then delete":                      "write!",
		"merge into t using s on t.id = s.id when not matched by source then delete": "write!",
		"truncate t":          "write!",
		"select lo_unlink(5)": "write",
		"select case when exists (select setval('s', 1)) then 1 end": "write",

		"create table x (a int)":                                     "ddl",
		"create table x as select 1":                                 "ddl",
		"select 1 into x":                                            "ddl",
		"create view v as select 1":                                  "ddl",
		"create materialized view v as select 1":                     "ddl",
		"refresh materialized view v":                                "ddl",
		"drop table t, u cascade":                                    "ddl!",
		"drop index concurrently i":                                  "ddl!",
		"drop schema s cascade":                                      "ddl!",
		"alter table t add column a int":                             "ddl",
		"alter table t drop column a":                                "ddl!",
		"alter table t alter a type varchar(20)":                     "ddl",
		"alter table t alter a type int":                             "ddl!",
		"alter table t alter a type varchar(20) using 'x'":           "ddl!",
		"create index concurrently on t (a)":                         "ddl",
		"comment on table t is 'x'":                                  "ddl",
		"vacuum":                                                     "ddl",
		"analyze t":                                                  "ddl",
		"reindex table t":                                            "ddl",
		"create function f() returns int language sql as 'select 1'": "ddl",
		"create rule r as on select to t do instead select 1":        "privilege",
		"create trigger g before insert on t for each row execute function f()": "ddl",
		"explain analyze create table x as select 1":                            "ddl",

		"alter role r set session_preload_libraries = 'x'":   "dangerous",
		"alter database d set dynamic_library_path = '/tmp'": "dangerous",
		"set local_preload_libraries = 'x'":                  "dangerous",
		"alter role r rename to s":                           "privilege",
		"alter table t rename to u":                          "ddl",
		"select * from pg_catalog.pg_hba_file_rules":         "dangerous",
		"alter table t alter a type numeric(12,2)":           "ddl",
		"alter table t alter a type numeric(12)":             "ddl!",
		"set role r":                                         "privilege",
		"set session authorization r":                        "privilege",
		"set search_path = x":                                "privilege",
		"set standard_conforming_strings = off":              "privilege",
		"set default_transaction_read_only = off":            "privilege",
		"reset all":   "privilege",
		"discard all": "privilege",
		"select set_config('search_path', 'x', false)": "privilege",
		"revoke all on t from r":                       "privilege",
		"drop role r":                                  "privilege!",
		"alter table t owner to r":                     "privilege",
		"alter table t disable row level security":     "privilege",
		"drop policy p on t":                           "privilege!",
		"create schema s grant select on t to r":       "privilege",
		"select rolpassword from pg_authid":            "privilege",
		"create function f() returns int language sql security definer as 'select 1'": "privilege",

		"create function f() returns void begin atomic delete from t; end": "ddl", "create rule r as on insert to t do also delete from u": "privilege",
		"do 'begin end'":                                      "dangerous",
		"call p()":                                            "dangerous",
		"copy t to program 'x'":                               "dangerous",
		"copy t from '/etc/passwd'":                           "dangerous",
		"copy (select 1) to '/tmp/x'":                         "dangerous",
		"select pg_read_file('x')":                            "dangerous",
		"select * from pg_ls_dir('.')":                        "dangerous",
		"select lo_import('/etc/passwd')":                     "dangerous",
		"select * from dblink('x', 'select 1') as t(a int)":   "dangerous",
		"select ext.dblink_exec('x', 'drop table t')":         "dangerous!",
		"select dblink_exec('x', 'delete from t where id=1')": "dangerous",
		"select dblink_exec('x', $1)":                         "dangerous",
		"create extension dblink":                             "dangerous",
		"alter system set work_mem = '1MB'":                   "dangerous",
		"checkpoint":                                          "dangerous",
		"load 'x'":                                            "dangerous",
		"lock t":                                              "dangerous",
		"create subscription s connection 'x' publication p":  "dangerous",
		"create function f() returns int language c as 'x'":   "dangerous",
		"create foreign table f (a int) server s":             "dangerous",
		"select pg_reload_conf()":                             "dangerous",

		"execute p": "unknown",
		"select query_to_xml('delete from t', true, true, '')": "write!",
		"create table x as execute p":                          "unknown",
		"selec 1":                                              "unknown",
		"":                                                     "unknown",
		" -- x":                                                "unknown",
		"select 1 from":                                        "unknown",
		"select '\x00'":                                        "unknown",
		"select '\xff'":                                        "unknown",
		"select 1; set role r; select 2":                       "privilege",
		"select 1; delete from t":                              "write!",
	} {
		f, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := f.Class.String()
		if f.Destructive {
			got += "!"
		}
		if got != want {
			t.Errorf("%q: %s (%s), want %s", text, got, f.Why, want)
		}
		if f.Destructive && f.Why == "" {
			t.Errorf("%q: destructive without a reason", text)
		}
	}
}

// TestEffectiveWhere: whether a condition selects.
func TestEffectiveWhere(t *testing.T) {
	for where, selects := range map[string]bool{
		"id = 5": true, "id in (1, 2)": true, "id = any($1)": true, "id = any('{1,2}')": true, "name like 'a%'": true,
		"created < now() - interval '1 day'": true, "id between 1 and 5": true, "a is null": true, "paid": true, "not paid": true,
		"id = 5 and true": true, "id = 5 or id = 6": true, "false": true, "null": true, "1 = 2": true,
		"id in (select id from other)": true, "exists (select from other o where o.id = t.id)": true,
		"id in (select id from t where a = 1)": true, "id in (select id from t limit 5)": true, "not (id <> 5)": true,
		"(id, a) = (1, 2)": true, "paid is true": true, "tags @> '{a}'": true, "current of c": true,

		"true": false, "1 = 1": false, "'a' = 'a'": false, "id = id": false, "t.id = id": false, "id is not null": false,
		"id = 5 or true": false, "id = 5 or 1 < 2": false, "not false": false, "not (1 = 2)": false, "id >= id": false,
		"id in (id)": false, "id in (1, id)": false, "name like '%'": false, "name ~ '.*'": false, "id > 0": false, "id > -1": false,
		"0 <= id": false, "id < 9999999999": false, "id <> 0": false, "id not in (1)": false, "name not like 'a%'": false,
		"exists (select from t o where o.id = t.id)": false, "exists (select 1)": false, "id in (select id from t)": false, "random() < 2": false, "now() = now()": false,
		"'t'::bool": false, "1 = 1 and 2 = 2": false, "id is null or id is not null": false, "paid is not unknown": false,
		"id between id and id": false, "length(name) >= 0": false, "coalesce(true, paid)": false, "id is not distinct from id": false,
		"1::int = '1'::int": false, "id = any(array[id])": false, "-1 < 0": false, "case when true then true end": false,
	} {
		f, err := testDriver().Classify(t.Context(), "delete from t where "+where)
		if err != nil {
			t.Fatal(err)
		}
		if f.Class == policy.Unknown {
			t.Errorf("%s: %s", where, f.Why)
		}
		if f.Destructive == selects {
			t.Errorf("delete from t where %s: destructive %v", where, f.Destructive)
		}
	}
}

// TestForms: what copies, and under which name.
func TestForms(t *testing.T) {
	for text, form := range map[string]string{
		"select email from customers":                                                            "",
		"insert into t (a) values ('x')":                                                         "",
		"update customers set visits = visits + 1, name = 'x'":                                   "",
		"update customers set name = $1 where id = 2":                                            "",
		"delete from customers where id = 2 returning email":                                     "",
		"explain select email from customers":                                                    "",
		"copy customers to stdout":                                                               "COPY",
		"copy (select email from customers) to stdout":                                           "COPY",
		"explain analyze select email from customers":                                            "EXPLAIN ANALYZE",
		"do 'begin end'":                                                                         "DO",
		"call p()":                                                                               "CALL",
		"prepare p as select email from customers":                                               "PREPARE",
		"declare c cursor with hold for select email from customers":                             "DECLARE",
		"create table x as select email from customers":                                          "CREATE AS",
		"create materialized view x as select email from customers":                              "CREATE AS",
		"select email into x from customers":                                                     "SELECT INTO",
		"insert into t select email from customers":                                              "INSERT ... SELECT",
		"insert into t values ((select email from customers))":                                   "INSERT ... SELECT",
		"insert into t table customers":                                                          "INSERT ... SELECT",
		"with c as (select email from customers) insert into t select * from c":                  "INSERT ... SELECT",
		"insert into t values (1) on conflict (id) do update set note = t.email":                 "INSERT ... ON CONFLICT",
		"update customers set name = email":                                                      "UPDATE ... SET from a column",
		"update t set note = (select email from customers limit 1)":                              "UPDATE ... SET from a column",
		"update t set note = c.email from customers c where c.id = t.id":                         "UPDATE ... SET from a column",
		"update t set (a, b) = (select email, phone from customers)":                             "UPDATE ... SET from a column",
		"merge into t using customers c on t.id = c.id when matched then update set a = c.email": "MERGE",
		"create view v as select email from customers":                                           "CREATE VIEW",
		"create function f() returns text language sql as 'select email from customers'":         "CREATE FUNCTION",
		"create rule r as on insert to t do also select * from customers":                        "CREATE RULE",
		"alter table customers rename column email to note":                                      "RENAME",
		"alter table customers rename to c2":                                                     "RENAME",
		"alter table customers set schema s":                                                     "SET SCHEMA",
		"alter table customers add column e text generated always as (email) stored":             "ALTER TABLE with an expression",
		"alter table p attach partition customers default":                                       "ALTER TABLE INHERIT or ATTACH PARTITION",
	} {
		f, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if f.Form != form || f.Copies != (form != "") || f.Class == policy.Unknown {
			t.Errorf("%q: form %q, copies %v, class %s (%s); want %q", text, f.Form, f.Copies, f.Class, f.Why, form)
		}
	}
}

// TestTables: every relation a text names, and no common table expression.
func TestTables(t *testing.T) {
	for text, want := range map[string]string{
		"select * from a, s.b join c on true":                               "a s.b c",
		"with a as (select 1) select * from a":                              "",
		"with a as (select 1) select * from s.a":                            "s.a",
		"with a as (select * from a) select * from a":                       "a",
		"with recursive a as (select * from a) select * from a":             "",
		"with a as (select * from b), b as (select 1) select * from a, b":   "b",
		"select * from (with a as (select 1) select * from a) x, a":         "a",
		"with a as (select 1) insert into a select * from a":                "a*",
		"select (select max(x) from m) from a where exists (select from e)": "m a e",
		"update a set x = 1 from b where a.id = b.id":                       "a* b",
		"delete from a using b where a.id = b.id":                           "a* b",
		"merge into a using b on a.id = b.id when matched then delete":      "a* b",
		"drop table a, s.b":                      "a* s.b*",
		"truncate a, b":                          "a* b*",
		"copy a from stdin":                      "a*",
		"copy a to stdout":                       "a",
		"create view v as select * from a":       "v* a",
		"explain select * from a":                "a",
		"explain delete from a":                  "a",
		"select * from a tablesample system (1)": "a",
		"select * from a where x = any (select y from b union table c)": "a b c",
		"lock a": "a",
	} {
		f, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tab := range f.Tables {
			s := tab.Name
			if tab.Schema != "" {
				s = tab.Schema + "." + s
			}
			if tab.Write {
				s += "*"
			}
			got = append(got, s)
		}
		wanted := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(wanted)
		if diff := cmp.Diff(wanted, got); diff != "" && len(wanted)+len(got) > 0 {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestEveryKindIsKnown walks the grammar's own list of nodes: a statement that a
// new version of the parser brings must be judged by somebody.
func TestEveryKindIsKnown(t *testing.T) {
	// Not statements, or never made by the parser for a text.
	not := []string{"RawStmt", "SetOperationStmt", "ReturnStmt", "PLAssignStmt"}
	n := 0
	fields := (&pg.Node{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).Message() == nil {
			continue
		}
		name := fields.Get(i).Message().Name()
		if !strings.HasSuffix(string(name), "Stmt") || slices.Contains(not, string(name)) {
			continue
		}
		n++
		if k, ok := kinds[name]; !ok || k.verb == "" {
			t.Errorf("statements of kind %s are not known", name)
		}
	}
	if n < 100 || n != len(kinds) {
		t.Errorf("%d kinds of the grammar, %d known", n, len(kinds))
	}
}

func TestVerb(t *testing.T) {
	for text, want := range map[string]string{
		"select 1": "SELECT", "drop table t": "DROP TABLE", "delete from t": "DELETE", "create table t (a int)": "CREATE TABLE",
		"with a as (delete from t) select 1": "SELECT", "select 1; drop view v": "DROP VIEW", "begin": "BEGIN",
	} {
		f, err := testDriver().Classify(t.Context(), text)
		if err != nil || f.Verb != want {
			t.Errorf("%q: %q, %v", text, f.Verb, err)
		}
	}
}

// FuzzClassify: judging never fails, and neither white space, comments nor the
// case of words change what a statement is.
func FuzzClassify(f *testing.F) {
	for _, s := range []string{"select 1", "delete from t where id = 1", "SET ROLE x", "copy t to program 'x'", "select 'a''b' -- c", "with a as (delete from t) table a", "select /* */ f(x)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if got.Class == policy.Unknown {
			if !got.Opaque {
				t.Errorf("%q is unknown but not opaque", text)
			}
			return
		}
		// Within the text white space may be data; around it, it is not.
		same, err := testDriver().Classify(t.Context(), "\n\t/* x */ "+text+"\n-- x\n")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, same); diff != "" {
			t.Errorf("%q in white space and comments:\n%s", text, diff)
		}
		if strings.ContainsAny(text, `'"$\&`) {
			return
		}
		upper, err := testDriver().Classify(t.Context(), strings.ToUpper(text))
		if err != nil {
			t.Fatal(err)
		}
		if isASCII(text) && (upper.Class != got.Class || upper.Destructive != got.Destructive) {
			t.Errorf("%q is %s %v, in capitals %s %v", text, got.Class, got.Destructive, upper.Class, upper.Destructive)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 126 }) < 0
}
