package mysql

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mysql/lineage"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// catalogAge is how long what was read of the catalog is gone by before it is read
// again; what a statement was traced by is looked at again before it runs.
const catalogAge = 30 * time.Second

// maxCatalog bounds each list of the catalog.
const maxCatalog = 500_000

// catalog is what the target's information_schema says. It does not change.
type catalog struct {
	read      time.Time
	folds     bool // names of schemas and tables are alike in any case
	maria     bool
	relations map[[2]string]*relation
	order     []*relation
	routines  map[string]bool
}

// relation is a table or view, and the rows of the catalog that it was made of.
type relation struct {
	lineage.Relation
	kind  policy.TableKind
	types []string
	rows  string
	view  string
	// lastKey is the index that is being read.
	lastKey string
}

const (
	ownSchemas  = "('information_schema', 'performance_schema', 'sys', 'mysql')"
	tablesText  = "select table_schema, table_name, table_type, coalesce(engine, '') from information_schema.tables where table_schema not in ('performance_schema', 'sys', 'mysql') order by 1, 2"
	columnsText = "select table_schema, table_name, column_name, column_type, coalesce(extra, ''), coalesce(generation_expression, ''), coalesce(column_default, '') from information_schema.columns where table_schema not in ('performance_schema', 'sys', 'mysql')"
	viewsText   = "select table_schema, table_name, coalesce(view_definition, '') from information_schema.views where table_schema not in " + ownSchemas
	keysText    = "select table_schema, table_name, index_name, non_unique, coalesce(column_name, '') from information_schema.statistics where table_schema not in " + ownSchemas + " order by table_schema, table_name, index_name, seq_in_index"
	foreignText = "select table_schema, table_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name from information_schema.key_column_usage where referenced_table_name is not null"
	triggerText = "select distinct event_object_schema, event_object_table from information_schema.triggers"
	routineText = "select distinct lower(routine_name) from information_schema.routines"
	checkMaria  = "select constraint_schema, table_name, check_clause from information_schema.check_constraints"
	checkMySQL  = "select c.constraint_schema, t.table_name, c.check_clause from information_schema.check_constraints c join information_schema.table_constraints t on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name"
)

// readCatalog reads all of it over the second line.
func (c *Conn) readCatalog(ctx context.Context, g connectors.Guard) (*catalog, error) {
	cat := &catalog{read: c.now(), folds: c.folds, maria: c.maria, relations: map[[2]string]*relation{}, routines: map[string]bool{}}
	checks := checkMySQL
	if c.maria {
		checks = checkMaria
	}
	columns := columnsText + " order by table_schema, table_name, ordinal_position"
	for _, q := range []struct {
		text string
		add  func(row []string)
	}{
		{tablesText, cat.addTable}, {columns, cat.addColumn}, {viewsText, cat.addView}, {keysText, cat.addKey}, {foreignText, cat.addForeign},
		{triggerText, cat.addTrigger}, {routineText, func(r []string) { cat.routines[r[0]] = true }}, {checks, cat.addCheck},
	} {
		rows, err := c.own(ctx, g, q.text)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			q.add(r)
		}
	}
	return cat, nil
}

func (cat *catalog) key(schema, name string) [2]string {
	if cat.folds || strings.EqualFold(schema, "information_schema") {
		return [2]string{strings.ToLower(schema), strings.ToLower(name)}
	}
	return [2]string{schema, name}
}

func (cat *catalog) addTable(r []string) {
	rel := &relation{Relation: lineage.Relation{Schema: r[0], Name: r[1], Parents: map[string][]mask.Column{}, Children: map[string][]mask.Column{}}, kind: policy.TablePlain}
	switch {
	case strings.EqualFold(r[0], "information_schema"):
		if _, ok := openTables[strings.ToLower(r[1])]; !ok {
			rel.kind, rel.Closed = policy.TableUnknown, "information_schema."+r[1]+" may tell of the values of tables"
		}
	case strings.Contains(r[2], "VIEW"):
		rel.kind = policy.TableView
		rel.Query = func() (ast.ResultSetNode, error) { return viewQuery(rel.view) }
	case elsewhere[strings.ToLower(r[3])]:
		rel.kind, rel.Closed = policy.TableForeign, "where the rows of "+r[1]+" are from cannot be told: its engine is "+r[3]
	case strings.EqualFold(r[2], "SEQUENCE"):
		rel.Closed = r[1] + " is a sequence"
	}
	cat.relations[cat.key(r[0], r[1])] = rel
	cat.order = append(cat.order, rel)
}

// elsewhere are engines whose tables are those of others.
var elsewhere = set("mrg_myisam federated federatedx connect spider s3 csv mroonga")

// openTables are those of information_schema that say nothing of the values in
// tables, with the columns that do.
var openTables = map[string]map[string]bool{
	"schemata": nil, "columns": nil, "key_column_usage": nil, "referential_constraints": nil, "table_constraints": nil, "check_constraints": nil,
	"views": nil, "routines": nil, "parameters": nil, "triggers": nil, "events": nil, "character_sets": nil, "collations": nil,
	"collation_character_set_applicability": nil, "engines": nil, "keywords": nil, "sql_functions": nil, "applicable_roles": nil, "enabled_roles": nil,
	"plugins": nil, "schema_privileges": nil, "table_privileges": nil, "column_privileges": nil, "user_privileges": nil,
	"statistics": set("cardinality"),
	"tables":     set("table_rows avg_row_length data_length max_data_length index_length data_free checksum update_time check_time max_index_length"),
}

func (cat *catalog) addColumn(r []string) {
	rel := cat.relations[cat.key(r[0], r[1])]
	if rel == nil {
		return
	}
	a := lineage.Attribute{Name: r[2], Closed: strings.EqualFold(r[0], "information_schema") && openTables[strings.ToLower(r[1])][strings.ToLower(r[2])]}
	if expr := r[5]; expr != "" {
		a.Generated = func() (ast.ExprNode, error) { return expression(expr) }
	}
	// Of a default that is an expression each tells in its own way; a constant of MySQL's
	// is not quoted.
	if text := r[6]; text != "" && (cat.maria || strings.Contains(strings.ToLower(r[4]), "default_generated")) {
		a.Default = func() []string { return names(text) }
	}
	rel.Stamped = rel.Stamped || strings.Contains(strings.ToLower(r[4]), "on update")
	rel.Columns = append(rel.Columns, a)
	rel.types = append(rel.types, r[3])
	rel.rows += strings.Join(r[2:], "\x00") + "\x01"
}

func (cat *catalog) addView(r []string) {
	if rel := cat.relations[cat.key(r[0], r[1])]; rel != nil {
		rel.view = r[2]
	}
}

func (cat *catalog) addKey(r []string) {
	rel := cat.relations[cat.key(r[0], r[1])]
	if rel == nil {
		return
	}
	primary := r[2] == "PRIMARY"
	if n := len(rel.Keys); n == 0 || rel.lastKey != r[2] {
		rel.Keys = append(rel.Keys, lineage.Key{Unique: r[3] == "0", Primary: primary})
		rel.lastKey = r[2]
	}
	k := &rel.Keys[len(rel.Keys)-1]
	if r[4] == "" { // an index of an expression: of whatever column
		for _, c := range rel.Columns {
			k.Columns = append(k.Columns, c.Name)
		}
		return
	}
	k.Columns = append(k.Columns, r[4])
}

func (cat *catalog) addForeign(r []string) {
	child, parent := cat.relations[cat.key(r[0], r[1])], cat.relations[cat.key(r[3], r[4])]
	if child == nil || parent == nil {
		return
	}
	own, other := strings.ToLower(r[2]), strings.ToLower(r[5])
	child.Parents[own] = append(child.Parents[own], mask.Column{Schema: parent.Schema, Table: parent.Name, Name: parent.spelled(other)})
	parent.Children[other] = append(parent.Children[other], mask.Column{Schema: child.Schema, Table: child.Name, Name: child.spelled(own)})
}

func (r *relation) spelled(name string) string {
	for _, c := range r.Columns {
		if strings.EqualFold(c.Name, name) {
			return c.Name
		}
	}
	return name
}

func (cat *catalog) addTrigger(r []string) {
	if rel := cat.relations[cat.key(r[0], r[1])]; rel != nil {
		rel.Triggers = true
	}
}

func (cat *catalog) addCheck(r []string) {
	rel := cat.relations[cat.key(r[0], r[1])]
	if rel == nil {
		return
	}
	list := names(r[2])
	if slices.Contains(list, "") { // of whatever column
		list = nil
		for _, c := range rel.Columns {
			list = append(list, c.Name)
		}
	}
	rel.Checks = append(rel.Checks, list)
}

// tracer answers a lineage analysis from a catalog, for a session's own schema.
type tracer struct {
	cat      *catalog
	database string
}

var _ lineage.Catalog = tracer{}

// Relation finds a relation by its name.
func (t tracer) Relation(schema, name string) (*lineage.Relation, bool) {
	if r := t.find(schema, name); r != nil {
		return &r.Relation, true
	}
	return nil, false
}

func (t tracer) find(schema, name string) *relation {
	if schema == "" {
		schema = t.database
	}
	return t.cat.relations[t.cat.key(schema, name)]
}

// Function says what a function of the server may do.
func (t tracer) Function(name string) lineage.Effect {
	switch {
	case name == "found_rows" || name == "row_count": // of what ran before, which may be the gate's own
		return lineage.Unknown
	case t.cat.routines[name], !functions().harmless[name]:
		return lineage.Unknown
	case total()[name]:
		return lineage.Total
	}
	return lineage.Partial
}

// Catalog lists the tables and views that the login may see, by schema and name,
// without the server's own.
func (c *Conn) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	run, _, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer c.turn.End()
	cat, err := c.readCatalog(run, c.guard)
	if err != nil {
		return nil, fmt.Errorf("read the catalog of %q: %w", c.endpoint.Name, err)
	}
	c.catalog.Store(cat)
	var out []connectors.Relation
	for _, r := range cat.order {
		if strings.EqualFold(r.Schema, "information_schema") {
			continue
		}
		one := connectors.Relation{Schema: r.Schema, Name: r.Name, Kind: r.kind}
		for i, a := range r.Columns {
			one.Columns = append(one.Columns, connectors.RelationColumn{Name: a.Name, Type: r.types[i]})
		}
		out = append(out, one)
	}
	return out, nil
}

// unmoved compares the relations that a statement was traced by with what the
// target's catalog says of them now.
func (c *Conn) unmoved(ctx context.Context, g connectors.Guard, cat *catalog, used [][2]string) error {
	var names []string
	for _, k := range used {
		if !strings.EqualFold(k[0], "information_schema") {
			names = append(names, "("+quote(k[0])+", "+quote(k[1])+")")
		}
	}
	if len(names) == 0 {
		return nil
	}
	sort.Strings(names)
	within := " and (table_schema, table_name) in (" + strings.Join(names, ", ") + ")"
	rows, err := c.own(ctx, g, columnsText+within+" order by table_schema, table_name, ordinal_position")
	if err != nil {
		return err
	}
	now := map[[2]string]string{}
	for _, r := range rows {
		now[cat.key(r[0], r[1])] += strings.Join(r[2:], "\x00") + "\x01"
	}
	if rows, err = c.own(ctx, g, viewsText+within); err != nil {
		return err
	}
	for _, r := range rows {
		now[cat.key(r[0], r[1])] += r[2]
	}
	for _, k := range used {
		if rel := cat.relations[cat.key(k[0], k[1])]; !strings.EqualFold(k[0], "information_schema") && (rel == nil || now[cat.key(k[0], k[1])] != rel.rows+rel.view) {
			c.dirty.Store(true)
			return fmt.Errorf("%w: %s.%s has changed since the statement was judged; run it again", connectors.ErrUnsupported, k[0], k[1])
		}
	}
	return nil
}

// quote writes a text as a literal under the session's sql_mode.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
