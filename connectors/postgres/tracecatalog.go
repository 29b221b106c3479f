package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres/lineage"
	"github.com/sallyport/sallyport/policy"
)

// structure is what tracing needs of a database's catalog. It is immutable.
type structure struct {
	// stamps tell one state of a relation from another, by oid; "" of all else.
	stamps    map[string]string
	relations map[[2]string]*tracedRelation
	visible   map[string]*tracedRelation
	temporary map[string]*tracedRelation
	routines  map[string][]tracedRoutine
	builtins  map[string]builtin
	// filled is what temporary tables of this session were made of, by oid.
	filled map[string][]lineage.Output
}

type tracedRelation struct {
	oid          string
	schema, name string
	system       bool
	view         string // its definition
	rules        bool
	lockable     bool
	foreign      bool
	triggers     bool
	columns      []tracedColumn
	kin          [][2]string
	keys         []lineage.Key
}

type tracedColumn struct{ name, typ, generated string }

type tracedRoutine struct {
	schema     string
	pure, set  bool
	definition string // of a function in SQL
}

// builtin is what is known of all functions of pg_catalog of one name together.
type builtin struct {
	set     bool
	columns []string
}

// unit separates names that are read as one value.
const unit = "\x1f"

const (
	tracedRelationsText = `select c.oid, n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid), n.oid = pg_catalog.pg_my_temp_schema(), case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) else '' end, exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type <> '1') or exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and t.tgtype & 64 <> 0), c.relkind in ('r', 'p', 'v'), c.relkind = 'f', exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and not pg_catalog.pg_is_other_temp_schema(n.oid)`

	tracedColumnsText = `select a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, null), case when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) else '' end from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and not pg_catalog.pg_is_other_temp_schema(n.oid) and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`

	keysText = `select i.indrelid, i.indisprimary, pg_catalog.string_agg(a.attname, pg_catalog.chr(31) order by k.n) from pg_catalog.pg_index i cross join lateral pg_catalog.unnest(i.indkey) with ordinality k(num, n) join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num where i.indrelid >= 16384 and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null and k.n <= i.indnkeyatts group by i.indexrelid, i.indrelid, i.indisprimary having pg_catalog.bool_and(a.attnotnull)`

	inheritanceText = `select i.inhrelid, i.inhparent from pg_catalog.pg_inherits i`

	tracedRoutinesText = `select n.nspname, p.proname, p.provolatile = 'i' and not p.prosecdef and (p.prokind = 'f' and l.lanname in ('c', 'internal') or l.lanname in ('c', 'internal', 'sql') and exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')), p.proretset, case when l.lanname = 'sql' and p.prokind = 'f' then pg_catalog.pg_get_functiondef(p.oid) else '' end from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang where n.nspname not in ('pg_catalog', 'information_schema')`

	builtinsText = `select f.proname, pg_catalog.bool_or(f.proretset), case when pg_catalog.min(f.cols) = pg_catalog.max(f.cols) then pg_catalog.max(f.cols) else '' end from (select p.proname, p.proretset, coalesce((select pg_catalog.string_agg(p.proargnames[i], pg_catalog.chr(31) order by i) from pg_catalog.generate_subscripts(p.proargmodes, 1) i where p.proargmodes[i] in ('o', 'b', 't')), '') cols from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace) f group by f.proname`

	systemKeyText = `select pg_catalog.version(), (select pg_catalog.count(*) || ':' || pg_catalog.sum(pg_catalog.hashtextextended(p.oid || ' ' || p.proname, 0)) from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace), (select pg_catalog.count(*) || ':' || pg_catalog.sum(pg_catalog.hashtextextended(c.oid || ' ' || c.relname, 0)) from pg_catalog.pg_class c where c.relnamespace in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace))`

	systemColumnsText = `select n.nspname, c.relname, pg_catalog.string_agg(a.attname, pg_catalog.chr(31) order by a.attnum) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.oid where c.relkind in ('r', 'v') and n.nspname in ('pg_catalog', 'information_schema') and a.attnum > 0 and not a.attisdropped group by n.nspname, c.relname`

	// stampsText gives the stamps of the relations in $1, or of all where it is empty,
	// and under the name "" that of everything else. Rows of the catalog that change
	// get another xmin.
	stampsText = `select '', pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended(s.k, 0)), 0) from (select 'p' || p.oid || ' ' || p.xmin as k from pg_catalog.pg_proc p where p.oid >= 16384 union all select 'o' || o.oid || ' ' || o.xmin from pg_catalog.pg_operator o where o.oid >= 16384 union all select 'c' || c.oid || ' ' || c.xmin from pg_catalog.pg_cast c where c.oid >= 16384 union all select 't' || t.oid || ' ' || t.xmin from pg_catalog.pg_type t where t.oid >= 16384 and t.typtype = 'd') s union all select s.oid::pg_catalog.text, pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended(s.k, 0)), 0) from (select c.oid, 'r' || c.relname || ' ' || c.relnamespace || ' ' || c.relkind::pg_catalog.text as k from pg_catalog.pg_class c where c.oid >= 16384 union all select a.attrelid, 'a' || a.attnum || ' ' || a.attname || ' ' || a.atttypid || ' ' || a.attgenerated::pg_catalog.text from pg_catalog.pg_attribute a where a.attrelid >= 16384 union all select w.ev_class, 'w' || w.oid || ' ' || w.xmin from pg_catalog.pg_rewrite w where w.ev_class >= 16384 union all select d.adrelid, 'd' || d.oid || ' ' || d.xmin from pg_catalog.pg_attrdef d union all select x.indrelid, 'x' || x.indexrelid || ' ' || x.indkey::pg_catalog.text || x.indisprimary::pg_catalog.text || x.indimmediate::pg_catalog.text from pg_catalog.pg_index x where x.indrelid >= 16384 and x.indisunique and x.indisvalid union all select a.attrelid, 'n' || a.attnum || a.attnotnull::pg_catalog.text from pg_catalog.pg_attribute a where a.attrelid >= 16384 and a.attnotnull union all select i.inhrelid, 'i' || i.inhparent from pg_catalog.pg_inherits i union all select i.inhparent, 'j' || i.inhrelid from pg_catalog.pg_inherits i) s where $1::pg_catalog.oid[] = '{}' or s.oid = any ($1::pg_catalog.oid[]) group by s.oid`
)

// readStructure reads what tracing needs.
func (c *Conn) readStructure(ctx context.Context, g connectors.Guard) (*structure, error) {
	s := &structure{
		relations: map[[2]string]*tracedRelation{}, visible: map[string]*tracedRelation{}, temporary: map[string]*tracedRelation{},
		routines: map[string][]tracedRoutine{}, builtins: map[string]builtin{},
	}
	// First: what changes while the rest is read has another stamp then.
	var err error
	if s.stamps, err = c.readStamps(ctx, g, nil); err != nil {
		return nil, err
	}
	if err := c.readSystem(ctx, g, s); err != nil {
		return nil, err
	}
	if err := c.readRelations(ctx, g, s); err != nil {
		return nil, err
	}
	c.session.find(s)
	rows, err := c.own(ctx, g, tracedRoutinesText)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		s.routines[r[1]] = append(s.routines[r[1]], tracedRoutine{r[0], r[2] == "t", r[3] == "t", r[4]})
	}
	return s, nil
}

// system is what is the same in all databases of one kind of server. It is
// immutable.
type system struct {
	relations map[[2]string]*tracedRelation
	builtins  map[string]builtin
}

// readSystem adds pg_catalog and information_schema, which a driver reads once of
// each that it meets.
func (c *Conn) readSystem(ctx context.Context, g connectors.Guard, s *structure) error {
	rows, err := c.own(ctx, g, systemKeyText)
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return fmt.Errorf("%w: the catalog has no version", connectors.ErrProtocol)
	}
	key := strings.Join(rows[0], unit)
	known, ok := c.driver.systems.Load(key)
	if !ok {
		y, err := c.readSystemNow(ctx, g)
		if err != nil {
			return err
		}
		known, _ = c.driver.systems.LoadOrStore(key, y)
	}
	s.builtins = known.(*system).builtins
	for k, r := range known.(*system).relations {
		s.relations[k] = r
	}
	return nil
}

func (c *Conn) readSystemNow(ctx context.Context, g connectors.Guard) (*system, error) {
	y := &system{relations: map[[2]string]*tracedRelation{}, builtins: map[string]builtin{}}
	rows, err := c.own(ctx, g, builtinsText)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		b := builtin{set: r[1] == "t"}
		if cols := strings.Split(r[2], unit); len(cols) > 1 {
			b.columns = cols
		}
		y.builtins[r[0]] = b
	}
	if rows, err = c.own(ctx, g, systemColumnsText); err != nil {
		return nil, err
	}
	for _, r := range rows {
		rel := &tracedRelation{schema: r[0], name: r[1], system: true}
		for _, name := range strings.Split(r[2], unit) {
			rel.columns = append(rel.columns, tracedColumn{name: name})
		}
		y.relations[[2]string{r[0], r[1]}] = rel
	}
	return y, nil
}

func (c *Conn) readRelations(ctx context.Context, g connectors.Guard, s *structure) error {
	rows, err := c.own(ctx, g, tracedRelationsText)
	if err != nil {
		return err
	}
	byOID := map[string]*tracedRelation{}
	for _, r := range rows {
		rel := &tracedRelation{oid: r[0], schema: r[1], name: r[2], view: r[5], rules: r[6] == "t", lockable: r[7] == "t", foreign: r[8] == "t", triggers: r[9] == "t"}
		byOID[r[0]], s.relations[[2]string{r[1], r[2]}] = rel, rel
		if r[3] == "t" {
			s.visible[r[2]] = rel
		}
		if r[4] == "t" {
			s.temporary[r[2]] = rel
		}
	}
	if rows, err = c.own(ctx, g, tracedColumnsText); err != nil {
		return err
	}
	for _, r := range rows {
		if rel := byOID[r[0]]; rel != nil {
			rel.columns = append(rel.columns, tracedColumn{r[1], r[2], r[3]})
		}
	}
	if rows, err = c.own(ctx, g, keysText); err != nil {
		return err
	}
	for _, r := range rows {
		if rel := byOID[r[0]]; rel != nil {
			rel.keys = append(rel.keys, lineage.Key{Columns: strings.Split(r[2], unit), Primary: r[1] == "t"})
		}
	}
	if rows, err = c.own(ctx, g, inheritanceText); err != nil {
		return err
	}
	up, down := map[string][]string{}, map[string][]string{}
	for _, r := range rows {
		up[r[0]], down[r[1]] = append(up[r[0]], r[1]), append(down[r[1]], r[0])
	}
	for oid, rel := range byOID {
		for _, way := range []map[string][]string{up, down} {
			for _, k := range reach(way, oid) {
				if other := byOID[k]; other != nil {
					rel.kin = append(rel.kin, [2]string{other.schema, other.name})
					rel.triggers = rel.triggers || other.triggers
				}
			}
		}
	}
	return nil
}

// reach is all that can be reached from one, without it.
func reach(way map[string][]string, from string) []string {
	seen := map[string]bool{from: true}
	var out []string
	for todo := way[from]; len(todo) > 0; todo = todo[1:] {
		if k := todo[0]; !seen[k] {
			seen[k] = true
			out = append(out, k)
			todo = append(todo, way[k]...)
		}
	}
	return out
}

// relation finds what a name means as the server does: pg_catalog comes before the
// search path, temporary tables come last in it.
func (s *structure) relation(schema, name string) *tracedRelation {
	switch schema {
	case "":
		if r := s.relations[[2]string{"pg_catalog", name}]; r != nil {
			return r
		}
		return s.visible[name]
	case "pg_temp":
		return s.temporary[name]
	}
	return s.relations[[2]string{schema, name}]
}

// effect is what a builtin function does, by the lists of functions.go.
func (s *structure) effect(name string) lineage.Effect {
	if harmless()[name] {
		return lineage.Pure
	}
	if e, ok := effectOf(name); ok {
		if e.opaque || e.class != policy.Read && e.class != policy.Write {
			return lineage.Unknown
		}
		return lineage.Acts
	}
	if _, ok := s.builtins[name]; ok {
		return lineage.Unknown
	}
	return lineage.Absent
}

// readStamps reads the stamps of the relations, given by oid, or of all.
func (c *Conn) readStamps(ctx context.Context, g connectors.Guard, relations []string) (map[string]string, error) {
	rows, err := c.own(ctx, g, stampsText, "{"+strings.Join(relations, ",")+"}")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range rows {
		out[r[0]] = r[1]
	}
	return out, nil
}

// locks is a statement that holds the relations of a lineage as they are, "" where
// there are none.
func (t *traced) locks(s *structure) string {
	var names []string
	for _, r := range s.relations {
		if r.lockable && slices.Contains(t.used, r.oid) {
			names = append(names, quoteIdent(r.schema)+"."+quoteIdent(r.name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "lock table " + strings.Join(names, ", ") + " in access share mode"
}

// unmoved compares what a statement was traced by with what is there now. It is
// called when the statement's locks are held.
func (c *Conn) unmoved(ctx context.Context, g connectors.Guard, t *traced) error {
	used := t.used
	if len(used) == 0 {
		used = []string{"0"} // none, rather than all
	}
	now, err := c.readStamps(ctx, g, used)
	if err != nil {
		return err
	}
	was := c.catalog.Load().structure.stamps
	for _, oid := range append([]string{""}, t.used...) {
		if now[oid] != was[oid] || now[oid] == "" {
			c.dirty.Store(true)
			return fmt.Errorf("the catalog changed while the statement was judged; run it again: %w", connectors.ErrUnsupported)
		}
	}
	return nil
}

var errSearchPath = errors.New("it sets a search path of its own")
