package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// catalog is what a connection knows of its database. It is immutable except
// for origins and types, which only the operation that runs reads and fills.
type catalog struct {
	read time.Time
	// visible are relations by name as the search path finds them, relations all
	// of them by schema and name.
	visible   map[string]relation
	relations map[[2]string]relation
	// functions and operators are those outside pg_catalog, by name.
	functions, operators map[string]volatility
	// casts is set where a user's function may be called by an implicit cast.
	casts bool
	// plainTypes are user's types whose use calls nothing: enums, ranges, rows and
	// base types of extensions; domains are not.
	plainTypes map[string]bool

	origins map[uint32]origin
	types   map[uint32]string

	structure *structure
	traces    traces
}

type relation struct {
	schema, name string
	kind         policy.TableKind
	columns      []string
}

// volatility is what pg_proc says of all functions of a name together.
type volatility struct {
	volatile bool
	// harmless: immutable, and in C, which only a superuser can make, or a part of
	// an extension (citext brings its own replace and max).
	harmless bool
	// row: it takes one row as its argument, so x.name may call it.
	row bool
	// definer: a volatile one runs with its owner's rights. untrusted: one is in a
	// language that can do anything on the database host. extension: all are C
	// functions that an extension brought.
	definer, untrusted, extension bool
}

// origin is a relation as a result's column refers to it.
type origin struct {
	relation
	columns map[uint16]string
}

// relationKind reads pg_class.relkind. Rows of a partition or an inheritance
// child are also rows of its parents, whose names the masks may use, so as
// itself such a relation counts as unknown.
func relationKind(kind string, child, parent bool) policy.TableKind {
	switch {
	case child:
		return policy.TableUnknown
	case kind == "p", kind == "r" && parent:
		return policy.TablePartitioned
	case kind == "r", kind == "S":
		return policy.TablePlain
	case kind == "v", kind == "m":
		return policy.TableView
	case kind == "f":
		return policy.TableForeign
	}
	return policy.TableUnknown
}

// table says what a name in a statement is. What is not found is of unknown kind.
func (c *catalog) table(t tableName) policy.Table {
	out := policy.Table{Schema: t.Schema, Name: t.Name, Write: t.Write}
	switch {
	case t.Schema == "pg_catalog", t.Schema == "information_schema":
		out.Kind = systemKind(t.Schema, t.Name)
		return out
	case t.Schema == "" && strings.HasPrefix(t.Name, "pg_"):
		// pg_catalog comes before every other schema but that of temporary tables,
		// which the gate's search path puts last.
		out.Schema, out.Kind = "pg_catalog", systemKind("pg_catalog", t.Name)
		return out
	case c == nil:
		return out
	case t.Schema == "pg_temp" && c.structure != nil && c.structure.temporary[t.Name] != nil:
		t.Schema = c.structure.temporary[t.Name].schema
	}
	r, ok := c.find(t.Schema, t.Name)
	switch {
	case ok:
		out.Schema, out.Kind = r.schema, r.kind
	case t.New:
		out.Kind = policy.TablePlain
	}
	return out
}

// find looks a relation up as the search path does where no schema is named.
func (c *catalog) find(schema, name string) (relation, bool) {
	if schema == "" {
		r, ok := c.visible[name]
		return r, ok
	}
	r, ok := c.relations[[2]string{schema, name}]
	return r, ok
}

// The gate's own statements about the catalog. pg_catalog is named everywhere,
// so that no search path can put another relation or function in their way.
const (
	relationsText = `select n.nspname, c.relname, c.relkind, c.relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid), exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid), pg_catalog.pg_table_is_visible(c.oid), coalesce((select pg_catalog.string_agg(a.attname, E'\x1f' order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '') from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`

	routinesText = `select p.proname, pg_catalog.bool_or(p.provolatile = 'v'), pg_catalog.bool_and(p.provolatile = 'i' and not p.prosecdef and (p.prokind = 'f' and l.lanname in ('c', 'internal') or l.lanname in ('c', 'internal', 'sql') and exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'))), pg_catalog.bool_or(p.pronargs > 0 and exists (select from pg_catalog.pg_type t where t.oid = p.proargtypes[0] and (t.typtype = 'c' or t.typtype = 'p'))), pg_catalog.bool_or(p.prosecdef and p.provolatile = 'v'), pg_catalog.bool_or(not l.lanpltrusted and l.lanname not in ('c', 'internal')), pg_catalog.bool_and(l.lanname = 'c' and exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')) from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang where n.nspname not in ('pg_catalog', 'information_schema') group by p.proname`

	operatorsText = `select o.oprname, pg_catalog.bool_or(p.provolatile = 'v'), pg_catalog.bool_and(p.provolatile = 'i' and not p.prosecdef and l.lanname in ('c', 'internal')) from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace join pg_catalog.pg_proc p on p.oid = o.oprcode join pg_catalog.pg_language l on l.oid = p.prolang where n.nspname <> 'pg_catalog' group by o.oprname`

	castsText = `select exists (select from pg_catalog.pg_cast c join pg_catalog.pg_proc p on p.oid = c.castfunc join pg_catalog.pg_language l on l.oid = p.prolang where p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace and not (p.provolatile = 'i' and l.lanname in ('c', 'internal')))`

	typesText = `select distinct t.typname from pg_catalog.pg_type t where t.typtype in ('e', 'r', 'm', 'c', 'b') and not exists (select from pg_catalog.pg_type d where d.typname = t.typname and d.typtype not in ('e', 'r', 'm', 'c', 'b'))`

	originsText = `select c.oid, n.nspname, c.relname, c.relkind, c.relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid), exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid), a.attnum, a.attname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.oid where c.oid = any ($1::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped`

	typeNamesText = `select t.oid, pg_catalog.format_type(t.oid, null) from pg_catalog.pg_type t where t.oid = any ($1::pg_catalog.oid[])`

	namedText = `select u.n, coalesce(s.nspname, ''), coalesce(c.relkind, ''), coalesce(c.relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid), false), exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid) from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality u(name, n) left join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(u.name) left join pg_catalog.pg_namespace s on s.oid = c.relnamespace order by u.n`

	describeText = `select n.nspname, c.relname, c.relkind, c.relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid), exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid), a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.oid where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and a.attnum > 0 and not a.attisdropped and pg_catalog.has_schema_privilege(n.oid, 'USAGE') and (pg_catalog.has_table_privilege(c.oid, 'SELECT') or pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')) order by n.nspname, c.relname, a.attnum`
)

// columnSeparator stands between the names of a relation's columns.
const columnSeparator = "\x1f"

// catalogAge is how old a catalog may get before it is read again: others may
// change the database too. What a statement names is checked when it runs anyway.
const catalogAge = 30 * time.Second

// readCatalog reads everything but origins and types, as of one moment.
func (c *Conn) readCatalog(ctx context.Context, g connectors.Guard) (*catalog, error) {
	if c.block != noBlock {
		return c.readCatalogNow(ctx, g) // the transaction is the requester's to end
	}
	if err := c.exec(ctx, g, "begin transaction isolation level repeatable read, read only"); err != nil {
		return nil, err
	}
	cat, err := c.readCatalogNow(ctx, g)
	if err != nil {
		_, _ = c.pg.Exec(ctx, "rollback").ReadAll()
		return nil, err
	}
	return cat, c.exec(ctx, g, "commit")
}

func (c *Conn) readCatalogNow(ctx context.Context, g connectors.Guard) (*catalog, error) {
	cat := &catalog{
		read: c.now(), visible: map[string]relation{}, relations: map[[2]string]relation{},
		functions: map[string]volatility{}, operators: map[string]volatility{}, plainTypes: map[string]bool{},
		origins: map[uint32]origin{}, types: map[uint32]string{},
	}
	rows := func(text string, keep func(r []string)) error {
		all, err := c.own(ctx, g, text)
		for _, r := range all {
			keep(r)
		}
		return err
	}
	is := func(s string) bool { return s == "t" }
	err := rows(relationsText, func(r []string) {
		rel := relation{r[0], r[1], relationKind(r[2], is(r[3]), is(r[4])), strings.Split(r[6], columnSeparator)}
		cat.relations[[2]string{r[0], r[1]}] = rel
		if is(r[5]) {
			cat.visible[r[1]] = rel
		}
	})
	if err != nil {
		return nil, err
	}
	if err := rows(routinesText, func(r []string) {
		cat.functions[r[0]] = volatility{volatile: is(r[1]), harmless: is(r[2]), row: is(r[3]), definer: is(r[4]), untrusted: is(r[5]), extension: is(r[6])}
	}); err != nil {
		return nil, err
	}
	if err := rows(operatorsText, func(r []string) {
		cat.operators[r[0]] = volatility{volatile: is(r[1]), harmless: is(r[2])}
	}); err != nil {
		return nil, err
	}
	if err := rows(castsText, func(r []string) { cat.casts = is(r[0]) }); err != nil {
		return nil, err
	}
	if err := rows(typesText, func(r []string) { cat.plainTypes[r[0]] = true }); err != nil {
		return nil, err
	}
	cat.structure, err = c.readStructure(ctx, g)
	return cat, err
}

// learn reads the relations and types of oids that are not known yet.
func (c *Conn) learn(ctx context.Context, g connectors.Guard, cat *catalog, relations, types []uint32) error {
	if len(relations) > 0 {
		rows, err := c.own(ctx, g, originsText, oids(relations))
		if err != nil {
			return err
		}
		for _, r := range rows {
			oid, num := atoi(r[0]), atoi(r[6])
			o, ok := cat.origins[oid]
			if !ok {
				o = origin{relation{schema: r[1], name: r[2], kind: relationKind(r[3], r[4] == "t", r[5] == "t")}, map[uint16]string{}}
				if r[1] == "pg_catalog" || r[1] == "information_schema" {
					o.kind = systemKind(r[1], r[2])
				}
				cat.origins[oid] = o
			}
			o.columns[uint16(num)] = r[7]
		}
	}
	if len(types) > 0 {
		rows, err := c.own(ctx, g, typeNamesText, oids(types))
		if err != nil {
			return err
		}
		for _, r := range rows {
			cat.types[atoi(r[0])] = r[1]
		}
	}
	return nil
}

// unchanged compares the relations that a statement names, whose locks are held
// by now, with those it was judged by.
func (c *Conn) unchanged(ctx context.Context, g connectors.Guard, j *judgement, f policy.Facts) error {
	var names []string
	var judged []policy.Table
	for i, t := range j.Tables {
		if t.New {
			continue
		}
		name := quoteIdent(t.Name)
		if t.Schema != "" {
			name = quoteIdent(t.Schema) + "." + name
		}
		names, judged = append(names, name), append(judged, f.Tables[i])
	}
	if len(names) == 0 {
		return nil
	}
	rows, err := c.own(ctx, g, namedText, textArray(names))
	if err != nil {
		return err
	}
	for i, r := range rows {
		kind := relationKind(r[2], r[3] == "t", r[4] == "t")
		if r[1] == "pg_catalog" || r[1] == "information_schema" {
			kind = systemKind(r[1], judged[i].Name)
		}
		if i < len(judged) && judged[i].Kind == policy.TableUnknown && judged[i].Schema == "" {
			continue // an index, say: judged as what may be anything
		}
		if i >= len(judged) || r[1] != judged[i].Schema && r[1] != "" || kind != judged[i].Kind {
			c.dirty.Store(true)
			return fmt.Errorf("the relation %q changed while the statement was judged; run it again: %w", judged[i].Name, connectors.ErrUnsupported)
		}
	}
	return nil
}

// column is a result's column with its origin.
func (cat *catalog) column(name string, typ, table uint32, number uint16) connectors.Column {
	c := connectors.Column{Name: name, Type: cat.typeName(typ), Numeric: numericTypes[typ], Holds: holds(typ)}
	o, ok := cat.origins[table]
	if !ok || table == 0 {
		return c
	}
	if field, ok := o.columns[number]; ok { // not 0, the whole row
		c.Origin = &mask.Column{Schema: o.schema, Table: o.name, Name: field}
		c.OriginKind = o.kind
	}
	return c
}

func (cat *catalog) typeName(oid uint32) string {
	if t, ok := typeNames[oid]; ok {
		return t
	}
	return cat.types[oid]
}

// holds is what a masked value of a type can be shown as.
func holds(typ uint32) connectors.Holds {
	switch typ {
	case 18, 19, 25, 142, 705, 1042, 1043: // the types of text, and XML
		return connectors.AnyText
	case 114, 3802:
		return connectors.JSONText
	case 20, 21, 23:
		return connectors.Integer
	case 1700:
		return connectors.Decimal
	}
	return connectors.NullOnly
}

// typeNames are the commonest types by the oids that never change.
var typeNames = map[uint32]string{
	16: "boolean", 17: "bytea", 18: `"char"`, 19: "name", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 26: "oid",
	114: "json", 142: "xml", 700: "real", 701: "double precision", 790: "money", 869: "inet", 650: "cidr",
	1042: "character", 1043: "character varying", 1082: "date", 1083: "time without time zone",
	1114: "timestamp without time zone", 1184: "timestamp with time zone", 1186: "interval",
	1700: "numeric", 2950: "uuid", 3802: "jsonb", 705: "unknown", 2249: "record", 2278: "void",
}

var numericTypes = map[uint32]bool{20: true, 21: true, 23: true, 26: true, 700: true, 701: true, 790: true, 1700: true}

func atoi(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

func oids(list []uint32) string {
	s := make([]string, len(list))
	for i, n := range list {
		s[i] = strconv.FormatUint(uint64(n), 10)
	}
	return "{" + strings.Join(s, ",") + "}"
}

// textArray writes a PostgreSQL array literal.
func textArray(list []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`)
	}
	b.WriteByte('}')
	return b.String()
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
