package mssql

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// catalogAge is how long what was read of the catalog is gone by before it is read
// again; what a statement was traced by is looked at again before it runs.
const catalogAge = 30 * time.Second

// maxCatalog bounds each list of the catalog.
const maxCatalog = 500_000

// catalog is what the target's catalog views say, as far as the login may see. It
// does not change.
type catalog struct {
	read      time.Time
	relations map[[2]string]*relation
	order     []*relation
}

// relation is a table, a view or a synonym.
type relation struct {
	sqltext.Table
	kind  policy.TableKind
	types []string
	rows  []byte // of the catalog that it was made of
	// computed are which of its columns the server computes.
	computed []int
	// code runs when it is changed.
	code    bool
	indexes []index
	// parents and children are the columns that foreign keys tie to this table's.
	parents, children []link
	checks            [][]string
	// base is what a synonym stands for.
	base string
	// twice is set where another has this name in another case.
	twice bool
}

const (
	columnsText  = "SELECT s.name, o.name, o.type, c.name, t.name, c.max_length, c.precision, c.scale, c.is_computed FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE o.type IN ('U', 'V')"
	columnsOrder = " ORDER BY s.name, o.name, c.column_id"
	synonymsText = "SELECT s.name, y.name, y.base_object_name FROM sys.synonyms y JOIN sys.schemas s ON s.schema_id = y.schema_id"
	triggersText = "SELECT s.name, o.name FROM sys.triggers g JOIN sys.objects o ON o.object_id = g.parent_id JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE g.is_disabled = 0"
)

// readCatalog reads all of it.
func (c *Conn) readCatalog(ctx context.Context, g connectors.Guard) (*catalog, error) {
	cat := &catalog{read: c.now(), relations: map[[2]string]*relation{}}
	for _, q := range []struct {
		text string
		add  func(row []string)
		n    int
	}{{columnsText + columnsOrder, cat.addColumn, 9}, {synonymsText, cat.addSynonym, 3}, {triggersText, cat.addTrigger, 2}, {indexText, cat.addIndex, 5}, {foreignText, cat.addForeign, 6}, {checkText, cat.addCheck, 3}} {
		rows, err := c.own(ctx, g, q.text)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if len(r) != q.n {
				return nil, fmt.Errorf("%w: its catalog has other columns than were asked for", connectors.ErrProtocol)
			}
			q.add(r)
		}
	}
	cat.compute()
	return cat, nil
}

// key folds names, whatever the database's collation: what one that minds case tells
// apart is then not understood.
func key(schema, name string) [2]string {
	return [2]string{strings.ToLower(schema), strings.ToLower(name)}
}

func (cat *catalog) relation(schema, name string, kind policy.TableKind) *relation {
	k := key(schema, name)
	r := cat.relations[k]
	if r == nil {
		r = &relation{Table: sqltext.Table{Schema: schema, Name: name}, kind: kind}
		cat.relations[k] = r
		cat.order = append(cat.order, r)
	}
	r.twice = r.twice || r.Schema != schema || r.Name != name
	return r
}

func (cat *catalog) addColumn(r []string) {
	kind := policy.TablePlain
	if strings.TrimSpace(r[2]) == "V" {
		kind = policy.TableView
	}
	rel := cat.relation(r[0], r[1], kind)
	if r[8] == "1" {
		rel.computed = append(rel.computed, len(rel.Columns))
	}
	rel.Columns = append(rel.Columns, sqltext.TableColumn{Name: r[3]})
	rel.types = append(rel.types, typeText(r[4], r[5], r[6], r[7]))
	rel.rows = append(append(rel.rows, strings.Join(r[2:], "\x00")...), 1)
}

// compute says what computed columns are of: their texts would tell, and so they are taken
// to be of all of their table's.
func (cat *catalog) compute() {
	for _, rel := range cat.order {
		if len(rel.computed) == 0 {
			continue
		}
		all := make([]string, len(rel.Columns))
		for i, c := range rel.Columns {
			all[i] = c.Name
		}
		for _, i := range rel.computed {
			rel.Columns[i].From = all
		}
	}
}

// typeText is a column's type as one writes it.
func typeText(name, length, precision, scale string) string {
	switch name {
	case "decimal", "numeric":
		return name + "(" + precision + "," + scale + ")"
	case "nchar", "nvarchar", "char", "varchar", "binary", "varbinary":
		var n int
		_, _ = fmt.Sscan(length, &n)
		if name[0] == 'n' {
			n /= 2
		}
		if n <= 0 {
			return name + "(max)"
		}
		return fmt.Sprintf("%s(%d)", name, n)
	}
	return name
}

// addSynonym keeps what a synonym stands for as far as it matters: whether that is
// elsewhere.
func (cat *catalog) addSynonym(r []string) {
	rel := cat.relation(r[0], r[1], policy.TableUnknown)
	rel.base = r[2]
}

// elsewhere reports whether a synonym may stand for what is not of the database.
func (r *relation) elsewhere(database string) bool {
	if r.base == "" {
		return false
	}
	tokens, err := sqltext.Lex(sqltext.TSQL, r.base)
	if err != nil || len(tokens) == 0 {
		return true
	}
	c, next := (&reading{t: tokens}).chain(0)
	return next != len(tokens) || len(c.Parts) > 3 || len(c.Parts) == 3 && !strings.EqualFold(c.Parts[0], database)
}

// stands is what a synonym stands for, where that is of the database.
func (r *relation) stands(database string) (schema, name string, ok bool) {
	if r.base == "" || r.elsewhere(database) {
		return "", "", false
	}
	tokens, _ := sqltext.Lex(sqltext.TSQL, r.base)
	c, _ := (&reading{t: tokens}).chain(0)
	if n := len(c.Parts); n > 1 {
		schema = c.Parts[n-2]
	}
	return schema, c.Last(), true
}

func (cat *catalog) addTrigger(r []string) {
	if rel := cat.relations[key(r[0], r[1])]; rel != nil {
		rel.code = true
	}
}

// harmlessViews are those of the catalog that say nothing of the values in tables.
var harmlessViews = set("sys.tables sys.columns sys.objects sys.schemas sys.types sys.indexes sys.index_columns sys.views sys.procedures sys.foreign_keys sys.foreign_key_columns sys.key_constraints sys.databases sys.synonyms information_schema.tables information_schema.columns information_schema.views information_schema.schemata information_schema.table_constraints information_schema.key_column_usage information_schema.referential_constraints information_schema.constraint_column_usage")

// find is the relation of a name, nil where there is none or it may be several. A name
// without schema is of the login's own, and else of dbo.
func (cat *catalog) find(parts []string, home, database string) *relation {
	if len(parts) == 3 && strings.EqualFold(parts[0], database) {
		parts = parts[1:]
	}
	var r *relation
	switch len(parts) {
	case 1:
		if r = cat.relations[key(home, parts[0])]; r == nil {
			r = cat.relations[key("dbo", parts[0])]
		}
	case 2:
		schema := parts[0]
		if schema == "" {
			return nil
		}
		r = cat.relations[key(schema, parts[1])]
	}
	if r == nil || r.twice {
		return nil
	}
	return r
}

// Catalog lists the tables and views that the login may see.
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
		one := connectors.Relation{Schema: r.Schema, Name: r.Name, Kind: r.kind}
		for i, a := range r.Columns {
			one.Columns = append(one.Columns, connectors.RelationColumn{Name: a.Name, Type: r.types[i]})
		}
		out = append(out, one)
	}
	return out, nil
}

// unmoved compares the tables that a statement was traced by with what the target's
// catalog says of them now.
func (c *Conn) unmoved(ctx context.Context, g connectors.Guard, used []*relation) error {
	if len(used) == 0 {
		return nil
	}
	var names []string
	var args []any
	for _, r := range used {
		names = append(names, fmt.Sprintf("s.name = @p%d AND o.name = @p%d", len(args)+1, len(args)+2))
		args = append(args, r.Schema, r.Name)
	}
	sort.Strings(names)
	rows, err := c.own(ctx, g, columnsText+" AND ("+strings.Join(names, " OR ")+")"+columnsOrder, args...)
	if err != nil {
		return err
	}
	now := &catalog{relations: map[[2]string]*relation{}}
	for _, r := range rows {
		if len(r) == 9 {
			now.addColumn(r)
		}
	}
	for _, r := range used {
		if n := now.relations[key(r.Schema, r.Name)]; n == nil || !bytes.Equal(n.rows, r.rows) {
			c.dirty.Store(true)
			return fmt.Errorf("%w: %s.%s has changed since the statement was judged; run it again", connectors.ErrUnsupported, r.Schema, r.Name)
		}
	}
	return nil
}
