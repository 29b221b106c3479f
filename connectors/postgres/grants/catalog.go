package grants

import (
	"context"
	"fmt"
	"strings"
)

// Catalog runs one statement that reads the system catalogs and returns its rows
// as text, NULL as "". Any login may read what this package asks for.
type Catalog interface {
	Rows(ctx context.Context, text string, args ...string) ([][]string, error)
}

// oid is an object's number, as text.
type oid string

type relation struct {
	oid          oid
	schema, name string
	kind         string // of pg_class.relkind: r p v m f
	invoker      bool   // a view that runs with its reader's rights
	columns      []column
}

func (r *relation) String() string { return quote(r.schema) + "." + quote(r.name) }

// word is the kind for people.
func (r *relation) word() string {
	switch r.kind {
	case "v":
		return "view"
	case "m":
		return "materialised view"
	case "f":
		return "foreign table"
	}
	return "table"
}

func (r *relation) isView() bool { return r.kind == "v" || r.kind == "m" }

func (r *relation) column(num string) string {
	for _, c := range r.columns {
		if c.num == num {
			return c.name
		}
	}
	return "column " + num
}

type column struct{ num, name string }

type function struct {
	oid        oid
	schema     string
	schemaOID  oid
	name       string // schema.name(arguments), quoted
	definer    bool
	language   string
	trusted    bool
	extension  bool
	aggregates bool
}

// field is a column of a relation, by numbers.
type field struct {
	rel oid
	num string
}

// snapshot is what the catalog says of what depends on what.
type snapshot struct {
	database  string
	relations []*relation
	byOID     map[oid]*relation
	inherits  [][2]oid          // parent, child
	generated map[field][]field // a generated column and what it is made from
	reads     map[oid][]field   // a view and the columns it reads
	trees     map[oid]*viewTree // by view
	system    map[oid]string    // relations of pg_catalog that a view may read, by name
	running   map[oid]bool      // functions of pg_catalog that run text or read what no table holds
	functions []*function       // not those that the server came with
	users     map[oid]*function // the same, by oid
	keys      map[oid][]string  // columns in the key of a list or range partitioned table
	schemas   []string          // of relations
}

// viewTree is what the parse tree of a view's rule names.
type viewTree struct {
	whole     bool // a whole row of something
	relations []oid
	functions []oid
}

// firstUser is the first oid that is not of the server's own making.
const firstUser = "16384"

const (
	ownSchemas = ` (n.nspname not in ('pg_catalog', 'information_schema') or c.oid >= ` + firstUser + `) and n.nspname !~ '^pg_(toast|temp_|toast_temp_)' `

	relationsText = `select c.oid, n.nspname, c.relname, c.relkind, coalesce(c.reloptions::pg_catalog.text[] && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1', 'security_invoker=yes'], false), coalesce(a.attnum::pg_catalog.text, ''), coalesce(a.attname::pg_catalog.text, '') from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped where c.relkind in ('r', 'p', 'v', 'm', 'f') and` + ownSchemas + `order by n.nspname collate "C", c.relname collate "C", a.attnum`

	inheritsText = `select inhparent, inhrelid from pg_catalog.pg_inherits`

	generatedText = `with g as (select d.oid, d.adrelid, d.adnum from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where a.attgenerated <> '') select g.adrelid, g.adnum, p.refobjsubid from g join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and p.objid = g.oid where p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = g.adrelid and p.refobjsubid > 0 union select g.adrelid, g.adnum, p.refobjsubid from g join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.objid = g.adrelid and p.objsubid = g.adnum where p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = g.adrelid and p.refobjsubid > 0`

	readsText = `select r.ev_class, p.refobjid, p.refobjsubid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and p.objid = r.oid where p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid <> r.ev_class and p.refobjsubid > 0 and r.ev_type = '1'`

	// A whole row leaves no column in pg_depend, and what the server came with
	// leaves nothing there: both are read from the rule's tree.
	treesText = `select r.ev_class, r.ev_action::pg_catalog.text ~ ':varattno 0 ', coalesce((select pg_catalog.string_agg(distinct m[1], ' ') from pg_catalog.regexp_matches(r.ev_action::pg_catalog.text, ':relid (\d+)', 'g') m), ''), coalesce((select pg_catalog.string_agg(distinct m[1], ' ') from pg_catalog.regexp_matches(r.ev_action::pg_catalog.text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') m), '') from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class join pg_catalog.pg_namespace n on n.oid = c.relnamespace where r.ev_type = '1' and c.relkind in ('v', 'm') and` + ownSchemas

	systemText = `select c.oid, n.nspname || '.' || c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname in ('pg_catalog', 'information_schema') and c.oid < ` + firstUser

	runningText = `select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.proname ~ '^(query_to_xml|table_to_xml|schema_to_xml|database_to_xml|cursor_to_xml|ts_stat|ts_rewrite|lo_|loread|pg_read_|pg_ls_|pg_stat_get_|pg_logical_|pg_get_object_address)'`

	functionsText = `select p.oid, n.nspname, p.pronamespace, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', p.prosecdef, l.lanname, l.lanpltrusted, exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'), p.prokind = 'a' from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang where p.oid >= ` + firstUser + ` and n.nspname !~ '^pg_temp_' order by 4`

	keysText = `select p.partrelid, k.num from pg_catalog.pg_partitioned_table p, pg_catalog.unnest(p.partattrs::pg_catalog.int2[]) k(num) where p.partstrat in ('l', 'r')`
)

// read takes the snapshot.
func read(ctx context.Context, c Catalog) (*snapshot, error) {
	s := &snapshot{
		byOID: map[oid]*relation{}, generated: map[field][]field{}, reads: map[oid][]field{}, trees: map[oid]*viewTree{},
		system: map[oid]string{}, running: map[oid]bool{}, users: map[oid]*function{}, keys: map[oid][]string{},
	}
	for _, q := range []struct {
		text string
		keep func(r []string)
	}{
		{"select pg_catalog.current_database()", func(r []string) { s.database = r[0] }},
		{relationsText, s.relation},
		{inheritsText, func(r []string) { s.inherits = append(s.inherits, [2]oid{oid(r[0]), oid(r[1])}) }},
		{generatedText, func(r []string) {
			to := field{oid(r[0]), r[1]}
			s.generated[to] = append(s.generated[to], field{oid(r[0]), r[2]})
		}},
		{readsText, func(r []string) {
			s.reads[oid(r[0])] = append(s.reads[oid(r[0])], field{oid(r[1]), r[2]})
		}},
		{treesText, func(r []string) { s.trees[oid(r[0])] = &viewTree{is(r[1]), oidsOf(r[2]), oidsOf(r[3])} }},
		{systemText, func(r []string) { s.system[oid(r[0])] = r[1] }},
		{runningText, func(r []string) { s.running[oid(r[0])] = true }},
		{functionsText, s.function},
		{keysText, func(r []string) { s.keys[oid(r[0])] = append(s.keys[oid(r[0])], r[1]) }},
	} {
		if err := each(ctx, c, q.keep, q.text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *snapshot) relation(r []string) {
	rel, ok := s.byOID[oid(r[0])]
	if !ok {
		rel = &relation{oid: oid(r[0]), schema: r[1], name: r[2], kind: r[3], invoker: is(r[4])}
		s.relations, s.byOID[rel.oid] = append(s.relations, rel), rel
		if n := len(s.schemas); n == 0 || s.schemas[n-1] != rel.schema {
			s.schemas = append(s.schemas, rel.schema)
		}
	}
	if r[5] != "" {
		rel.columns = append(rel.columns, column{r[5], r[6]})
	}
}

func (s *snapshot) function(r []string) {
	f := &function{oid(r[0]), r[1], oid(r[2]), r[3], is(r[4]), r[5], is(r[6]), is(r[7]), is(r[8])}
	s.functions, s.users[f.oid] = append(s.functions, f), f
}

// each runs text and keeps its rows.
func each(ctx context.Context, c Catalog, keep func(r []string), text string, args ...string) error {
	rows, err := c.Rows(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("read the catalog: %w", err)
	}
	for _, r := range rows {
		keep(r)
	}
	return nil
}

func is(s string) bool { return s == "t" }

func oidsOf(s string) []oid {
	var out []oid
	for f := range strings.FieldsSeq(s) {
		out = append(out, oid(f))
	}
	return out
}

// array writes a PostgreSQL array literal.
func array[S ~string](list []S) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(s)) + `"`)
	}
	b.WriteByte('}')
	return b.String()
}

// quote writes an identifier.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// literal writes a string, whatever standard_conforming_strings says.
func literal(s string) string {
	e := ""
	if strings.Contains(s, `\`) {
		e = "E"
	}
	return e + "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
