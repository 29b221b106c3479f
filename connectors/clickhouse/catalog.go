package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// catalogAge is how long what was read of the catalog is gone by before it is read
// again; what a statement under masks was traced by is looked at again before it runs.
const catalogAge = 30 * time.Second

// maxCatalog bounds each list of the catalog.
const maxCatalog = 500_000

// catalog is what the target's system tables say. It does not change.
type catalog struct {
	read      time.Time
	relations map[[2]string]*relation
	order     []*relation
}

// relation is a table or view, and the rows of the catalog that it was made of.
type relation struct {
	sqltext.Table
	kind   policy.TableKind
	engine string
	types  []string
	// sorted are the columns by which its rows are stored in order.
	sorted []string
	// queue is set where what is read from it is gone.
	queue bool
	// closed is why its values are not traced, "" if they are.
	closed string
	rows   []byte
}

const (
	tablesText  = "select database, name, engine from system.tables where is_temporary = 0"
	columnsText = "select database, table, name, type, default_kind, default_expression, toString(is_in_sorting_key) from system.columns"
)

// readCatalog reads all of it.
func (c *Conn) readCatalog(ctx context.Context, g connectors.Guard) (*catalog, error) {
	cat := &catalog{read: c.now(), relations: map[[2]string]*relation{}}
	tables, err := c.own(ctx, g, tablesText)
	if err != nil {
		return nil, err
	}
	columns, err := c.own(ctx, g, columnsText)
	if err != nil {
		return nil, err
	}
	return cat, cat.fill(tables, columns)
}

func (cat *catalog) fill(tables, columns [][]string) error {
	for _, r := range tables {
		if len(r) != 3 {
			return malformed("its catalog has another form")
		}
		cat.addTable(r)
	}
	for _, r := range columns {
		if len(r) != 7 {
			return malformed("its catalog has another form")
		}
		cat.addColumn(r)
	}
	for _, r := range cat.order {
		r.compute()
	}
	return nil
}

// closedSystem are harmless tables of the database system that may all the same tell of
// values: a partition is called by its key.
var closedSystem = set("parts merges")

func (cat *catalog) addTable(r []string) {
	rel := &relation{Table: sqltext.Table{Schema: r[0], Name: r[1]}, engine: r[2], kind: policy.TablePlain, queue: lists()["engine.queue"][r[2]]}
	rel.rows = []byte(strings.Join(r, "\x00"))
	switch {
	case r[0] == "system":
		if name := strings.ToLower(r[1]); !lists()["system.harmless"][name] || closedSystem[name] {
			rel.kind, rel.closed = policy.TableUnknown, "system."+r[1]+" may tell of values in tables"
		}
	case strings.EqualFold(r[0], "information_schema"):
		rel.kind = policy.TableView
		rel.closed = "it is a view"
	case strings.HasPrefix(r[1], ".inner"):
		rel.kind, rel.closed = policy.TableView, "it holds what a materialized view made of other tables"
	case strings.HasSuffix(r[2], "View"):
		rel.kind, rel.closed = policy.TableView, "it is a view, whose values are not traced"
	case !lists()["engine"][r[2]]:
		rel.kind, rel.closed = policy.TableForeign, "where its rows are from cannot be told: its engine is "+r[2]
	}
	cat.relations[[2]string{r[0], r[1]}] = rel
	cat.order = append(cat.order, rel)
}

func (cat *catalog) addColumn(r []string) {
	rel := cat.relations[[2]string{r[0], r[1]}]
	if rel == nil {
		return // made in between, or temporary
	}
	rel.rows = append(append(rel.rows, 1), strings.Join(r[2:], "\x00")...)
	rel.types = append(rel.types, r[3])
	if r[6] == "1" {
		rel.sorted = append(rel.sorted, r[2])
	}
	col := sqltext.TableColumn{Name: r[2], Hidden: r[4] == "MATERIALIZED" || r[4] == "ALIAS" || r[4] == "EPHEMERAL"}
	if r[5] != "" {
		col.From = []string{r[5]} // its expression, until compute
	}
	rel.Columns = append(rel.Columns, col)
}

// compute replaces the expressions of columns by the columns that they are computed
// from. One that may read anything else closes the table.
func (rel *relation) compute() {
	x := rel.index()
	for i := range rel.Columns {
		c := &rel.Columns[i]
		if c.From == nil {
			continue
		}
		from, ok := x.from(c.From[0])
		if !ok {
			rel.shut("how its column " + c.Name + " is computed is not understood")
		}
		c.From = from
	}
	rel.spread()
}

// index finds the columns of a relation that a name may mean.
type index struct {
	names  map[string]bool
	within map[string][]string // by what stands before a dot in their names
}

func (rel *relation) index() index {
	x := index{map[string]bool{}, map[string][]string{}}
	for _, c := range rel.Columns {
		x.names[c.Name] = true
		for i := range len(c.Name) {
			if c.Name[i] == '.' {
				x.within[c.Name[:i]] = append(x.within[c.Name[:i]], c.Name)
			}
		}
	}
	return x
}

// from are the columns that an expression mentions.
func (x index) from(expression string) (from []string, ok bool) {
	tokens, err := sqltext.Lex(sqltext.ClickHouse, expression)
	if err != nil {
		return nil, false
	}
	for i, t := range tokens {
		if t.Sym("*") && (i == 0 || tokens[i-1].Sym("(", "[", ",", ".")) {
			return nil, false // all columns, whichever these are
		}
	}
	m := sqltext.Scan(sqltext.ClickHouse, tokens)
	for _, call := range m.Calls {
		if !harmless(call.Last()) {
			return nil, false
		}
	}
	for _, chain := range m.Chains {
		name := chain.String()
		for i := range len(name) + 1 {
			if (i == len(name) || name[i] == '.') && x.names[name[:i]] {
				from = append(from, name[:i])
			}
		}
		if x.names[chain.Parts[0]] {
			from = append(from, chain.Parts[0])
		}
		from = append(from, x.within[chain.Parts[0]]...)
	}
	return from, m.Selects == 0
}

// shut closes a relation whose columns are not understood.
func (rel *relation) shut(why string) {
	if rel.closed != "" {
		return
	}
	rel.closed = why
	if rel.kind == policy.TablePlain {
		rel.kind = policy.TableUnknown
	}
}

// maxSpread bounds how often it is looked which column is computed from which others.
const maxSpread = 2 << 20

// spread adds to each computed column what those are computed from that it is computed
// from.
func (rel *relation) spread() {
	own := map[string][]string{}
	for _, c := range rel.Columns {
		own[c.Name] = c.From
	}
	looked := 0
	for i := range rel.Columns {
		c := &rel.Columns[i]
		has, all := map[string]bool{c.Name: true}, []string(nil)
		add := func(names []string) {
			looked += len(names)
			for _, n := range names {
				if !has[n] {
					has[n] = true
					all = append(all, n)
				}
			}
		}
		add(c.From)
		for k := 0; k < len(all) && looked <= maxSpread; k++ {
			add(own[all[k]])
		}
		if looked > maxSpread {
			rel.shut("its columns are computed from each other too often")
			return
		}
		c.From = all
	}
}

// find returns a relation by the parts of its name.
func (cat *catalog) find(database string, parts []string) *relation {
	switch len(parts) {
	case 1:
		return cat.relations[[2]string{database, parts[0]}]
	case 2:
		return cat.relations[[2]string{parts[0], parts[1]}]
	}
	return nil
}

// Catalog lists tables, their columns and views, as the login sees them.
func (c *Conn) Catalog(context.Context) ([]connectors.Relation, error) {
	var out []connectors.Relation
	for _, r := range c.catalog.Load().order {
		if r.Schema == "system" && !strings.EqualFold(c.endpoint.Database, "system") || strings.EqualFold(r.Schema, "information_schema") || strings.HasPrefix(r.Name, ".inner") {
			continue
		}
		rel := connectors.Relation{Schema: r.Schema, Name: r.Name, Kind: r.kind}
		for i, col := range r.Columns {
			rel.Columns = append(rel.Columns, connectors.RelationColumn{Name: col.Name, Type: r.types[i]})
		}
		out = append(out, rel)
	}
	return out, nil
}

// refresh reads the catalog again where it is old or something may have changed it.
func (c *Conn) refresh(ctx context.Context, g connectors.Guard) error {
	if !c.dirty.Load() && c.now().Sub(c.catalog.Load().read) < catalogAge {
		return nil
	}
	c.dirty.Store(false)
	cat, err := c.readCatalog(ctx, g)
	if err != nil {
		c.dirty.Store(true)
		if no, ok := noted(err); ok {
			return no
		}
		return fmt.Errorf("read the catalog of %q: %w", c.endpoint.Name, failure(ctx, err, ""))
	}
	c.catalog.Store(cat)
	return nil
}

// unmoved looks once more, before a statement runs under masks, whether the tables
// that it was traced by are still what they were.
func (c *Conn) unmoved(ctx context.Context, g connectors.Guard, used []*relation) error {
	if len(used) == 0 {
		return nil
	}
	var names []string
	for _, r := range used {
		names = append(names, "("+quote(r.Schema)+", "+quote(r.Name)+")")
	}
	list := strings.Join(names, ", ")
	tables, err := c.own(ctx, g, tablesText+" and (database, name) in ("+list+")")
	if err != nil {
		return err
	}
	columns, err := c.own(ctx, g, columnsText+" where (database, table) in ("+list+")")
	if err != nil {
		return err
	}
	now := &catalog{relations: map[[2]string]*relation{}}
	if err := now.fill(tables, columns); err != nil {
		return err
	}
	for _, r := range used {
		if n := now.relations[[2]string{r.Schema, r.Name}]; n == nil || !bytes.Equal(n.rows, r.rows) {
			c.dirty.Store(true)
			return &policy.Refusal{Rule: "masks", Reason: "the table " + r.Name + " was changed meanwhile", Hint: "run the statement again"}
		}
	}
	return nil
}

// quote writes a text as a literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
