package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres/lineage"
	"github.com/sallyport/sallyport/policy"
)

// tracer answers a lineage analysis from the catalog, and remembers what was asked.
type tracer struct {
	ctx  context.Context //nolint:containedctx // of the one analysis it serves
	d    *Driver
	cat  *catalog
	c    *Conn
	used map[string]bool // oids
}

var _ lineage.Catalog = (*tracer)(nil)

// traced is a statement's lineage and the relations that it went by.
type traced struct {
	*lineage.Result
	statement *pg.Node // nil where the text is not one
	used      []string // oids
}

// trace finds the lineage of a statement. What fails is not understood.
func (c *Conn) trace(ctx context.Context, text string) *traced {
	cat := c.catalog.Load()
	if t, ok := cat.traces.get(text); ok {
		return t
	}
	no := func(why string) *traced { return &traced{Result: &lineage.Result{Why: why}} }
	tree, err := c.driver.tree(ctx, text)
	switch {
	case err != nil:
		return no(err.Error())
	case len(tree.GetStmts()) != 1:
		return no("the text is not one statement")
	case cat.casts:
		return no("values may be converted by functions of users")
	}
	n := tree.GetStmts()[0].GetStmt()
	t := c.analyze(ctx, n)
	if !named(n) && ctx.Err() == nil {
		cat.traces.put(text, t)
	}
	return t
}

// analyze finds the lineage of a parsed statement.
func (c *Conn) analyze(ctx context.Context, n *pg.Node) *traced {
	w := &tracer{ctx: ctx, d: c.driver, cat: c.catalog.Load(), c: c, used: map[string]bool{}}
	t := &traced{Result: lineage.Analyze(n, w), statement: n}
	for oid := range w.used {
		t.used = append(t.used, oid)
	}
	return t
}

// named reports whether what a statement means depends on what the session has
// prepared under a name.
func named(n *pg.Node) bool {
	if e := n.GetExplainStmt(); e != nil {
		n = e.GetQuery()
	}
	if c := n.GetCreateTableAsStmt(); c != nil {
		n = c.GetQuery()
	}
	return n.GetExecuteStmt() != nil || n.GetFetchStmt() != nil
}

// traces keeps lineages by text, as long as the catalog lives.
type traces struct {
	mu sync.Mutex
	m  map[string]*traced
}

func (t *traces) get(text string) (*traced, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.m[text]
	return v, ok
}

func (t *traces) put(text string, v *traced) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil || len(t.m) >= cacheEntries {
		t.m = map[string]*traced{}
	}
	if len(text) <= cacheText {
		t.m[text] = v
	}
}

// treeCache keeps trees by text: those of views and functions are used again and
// again. Nobody changes a tree.
type treeCache struct {
	mu sync.Mutex
	m  map[string]*pg.ParseResult
}

// tree parses a text in a worker, or remembers it.
func (d *Driver) tree(ctx context.Context, text string) (*pg.ParseResult, error) {
	if why := refused(text); why != "" {
		return nil, errors.New(why)
	}
	d.trees.mu.Lock()
	t, ok := d.trees.m[text]
	d.trees.mu.Unlock()
	if ok {
		return t, nil
	}
	t, err := d.pool.tree(ctx, text)
	if err != nil {
		return nil, err
	}
	d.trees.mu.Lock()
	defer d.trees.mu.Unlock()
	if d.trees.m == nil || len(d.trees.m) >= cacheEntries {
		d.trees.m = map[string]*pg.ParseResult{}
	}
	if len(text) <= 8<<10 {
		d.trees.m[text] = t
	}
	return t, nil
}

// Relation describes a relation for the analysis.
func (t *tracer) Relation(schema, name string) (*lineage.Relation, bool) {
	r := t.cat.structure.relation(schema, name)
	if r == nil {
		return nil, false
	}
	out := &lineage.Relation{Schema: r.schema, Name: r.name, Kin: r.kin, Rules: r.rules, Triggers: r.triggers, Keys: r.keys}
	if r.foreign {
		out.Closed = "where the values of the foreign table " + r.name + " are from cannot be told"
	}
	if r.system && systemKind(r.schema, r.name) != policy.TablePlain {
		out.Closed = r.name + " may hold values of other tables"
	}
	if r.oid != "" {
		t.used[r.oid] = true
		for _, k := range r.kin {
			if other := t.cat.structure.relations[k]; other != nil {
				t.used[other.oid] = true
				if other.foreign {
					out.Closed = "where the values of the foreign table " + other.name + " are from cannot be told"
				}
			}
		}
	}
	if r.view != "" {
		out.Query = func() (*pg.Node, error) { return t.one(r.view) }
	}
	fill := t.cat.structure.fill(r)
	for i, c := range r.columns {
		a := lineage.Attribute{Name: c.name, Type: c.typ}
		if fill != nil {
			a.Holds, a.Computed = fill[i].Sources, !fill[i].Direct
		}
		if c.generated != "" {
			a.Generated = func() (*pg.Node, error) { return t.expression(c.generated) }
		}
		out.Columns = append(out.Columns, a)
	}
	return out, true
}

// fill is what a temporary table's columns, or those of its kin, were filled with;
// nil if nothing is known. Where the columns are not those that it was made with,
// each may hold all of it.
func (y *structure) fill(r *tracedRelation) []lineage.Output {
	own := y.filled[r.oid]
	all := slices.Clone(own)
	for _, k := range r.kin {
		if other := y.relations[k]; other != nil {
			all = append(all, y.filled[other.oid]...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	same := len(all) == len(own) && len(own) == len(r.columns)
	for i := range r.columns {
		same = same && own[i].Name == r.columns[i].name
	}
	if same {
		return own
	}
	var any lineage.Output
	for _, o := range all {
		any.Sources = append(any.Sources, o.Sources...)
	}
	return slices.Repeat([]lineage.Output{any}, len(r.columns))
}

// one parses a text of one statement.
func (t *tracer) one(text string) (*pg.Node, error) {
	tree, err := t.d.tree(t.ctx, text)
	if err != nil {
		return nil, err
	}
	if len(tree.GetStmts()) != 1 {
		return nil, errors.New("it is not one statement")
	}
	return tree.GetStmts()[0].GetStmt(), nil
}

func (t *tracer) expression(text string) (*pg.Node, error) {
	n, err := t.one("select " + text)
	if err != nil {
		return nil, err
	}
	if list := n.GetSelectStmt().GetTargetList(); len(list) == 1 {
		return list[0].GetResTarget().GetVal(), nil
	}
	return nil, errors.New("it is not one expression")
}

// Routines describes the functions of users by that name.
func (t *tracer) Routines(name string) []*lineage.Routine {
	var out []*lineage.Routine
	for _, r := range t.cat.structure.routines[name] {
		one := &lineage.Routine{Schema: r.schema, Set: r.set}
		switch {
		case r.pure, contrib[name] && t.cat.functions[name].extension:
			one.Effect = lineage.Pure
		case r.definition != "":
			one.Body = func() (*pg.CreateFunctionStmt, []*pg.Node, error) { return t.body(r.definition) }
		}
		out = append(out, one)
	}
	return out
}

// body parses a function in SQL, as pg_get_functiondef writes it.
func (t *tracer) body(definition string) (*pg.CreateFunctionStmt, []*pg.Node, error) {
	n, err := t.one(definition)
	if err != nil {
		return nil, nil, err
	}
	f := n.GetCreateFunctionStmt()
	for _, o := range f.GetOptions() {
		d := o.GetDefElem()
		if d.GetDefname() == "set" {
			return nil, nil, errSearchPath
		}
		if d.GetDefname() != "as" {
			continue
		}
		text := strs(d.GetArg().GetList().GetItems())
		if len(text) != 1 {
			return nil, nil, errors.New("its body is not SQL")
		}
		tree, err := t.d.tree(t.ctx, text[0])
		if err != nil {
			return nil, nil, err
		}
		var out []*pg.Node
		for _, s := range tree.GetStmts() {
			out = append(out, s.GetStmt())
		}
		return f, out, nil
	}
	b := f.GetSqlBody()
	if b == nil {
		return nil, nil, errors.New("it has no body")
	}
	if b.GetList() == nil {
		return f, []*pg.Node{b}, nil
	}
	var out []*pg.Node
	for _, l := range b.GetList().GetItems() {
		if l.GetList() == nil {
			out = append(out, l)
			continue
		}
		out = append(out, l.GetList().GetItems()...)
	}
	return f, out, nil
}

// Builtin says what pg_catalog's functions of that name do.
func (t *tracer) Builtin(name string) lineage.Effect { return t.cat.structure.effect(name) }

// BuiltinSet reports whether one of them returns a set.
func (t *tracer) BuiltinSet(name string) bool { return t.cat.structure.builtins[name].set }

// BuiltinColumns are the names of what they return, where it is a row.
func (t *tracer) BuiltinColumns(name string) ([]string, bool) {
	cols := t.cat.structure.builtins[name].columns
	return cols, len(cols) > 0
}

// Operator says what users' operators of that name do.
func (t *tracer) Operator(name string) lineage.Effect {
	if v, ok := t.cat.operators[name]; ok && !v.harmless {
		return lineage.Unknown
	}
	return lineage.Pure
}

// PlainType reports whether a type converts by pure functions alone.
func (t *tracer) PlainType(schema, name string) bool {
	if (schema == "" || schema == "pg_catalog") && builtinTypes[name] {
		return true
	}
	return schema != "pg_catalog" && t.cat.plainTypes[name]
}

// Prepared is a statement that this session prepared.
func (t *tracer) Prepared(name string) *pg.Node {
	t.c.session.mu.Lock()
	defer t.c.session.mu.Unlock()
	return t.c.session.prepared[name].query
}

// Cursor is the query of a cursor that this session declared.
func (t *tracer) Cursor(name string) *pg.Node {
	t.c.session.mu.Lock()
	defer t.c.session.mu.Unlock()
	return t.c.session.cursors[name].query
}

// hub is the lineage in the hub's words.
func (t *traced) hub() *connectors.Trace {
	if !t.Understood {
		return &connectors.Trace{Why: t.Why}
	}
	out := &connectors.Trace{Reads: slices.Clone(t.Reads), Counts: t.Counts}
	for _, c := range t.Columns {
		out.Reads = append(out.Reads, c.Sources...)
		out.Columns = append(out.Columns, connectors.ValueOrigin{Direct: c.Direct, Columns: c.Sources})
	}
	for _, p := range t.Predicates {
		out.Reads = append(out.Reads, p.Column)
		out.Predicates = append(out.Predicates, connectors.Predicate{Column: p.Column, Equality: p.Use == lineage.Equality, Clause: p.Clause, Tries: t.Tries[p.Column]})
	}
	for _, w := range t.Writes {
		out.Reads = append(out.Reads, w.Sources...)
		out.Writes = append(out.Writes, connectors.Written{Into: w.Into, Targets: w.Targets, Sources: w.Sources})
	}
	return out
}

// facts corrects what was judged by the text. Where values go that leave by
// another way than the answer is known of what is understood; what is not, of the
// statements that read or make code, may reach anything.
//
// follows says that the session has temporary tables made of others.
func (t *traced) facts(f policy.Facts, follows bool) policy.Facts {
	f.Copies = f.Copies && !t.Understood
	for _, k := range f.Tables {
		if k.Kind != policy.TablePlain && k.Kind != policy.TablePartitioned {
			return f // it says so itself
		}
	}
	f.Opaque = f.Opaque || t.Code || !t.Understood && (reaches(t.statement) || follows)
	return f
}

// reaches reports whether a statement that is not understood may get at values of
// tables that it does not name.
func reaches(n *pg.Node) bool {
	switch v := n.GetNode().(type) {
	case *pg.Node_SelectStmt, *pg.Node_InsertStmt, *pg.Node_UpdateStmt, *pg.Node_DeleteStmt, *pg.Node_MergeStmt,
		*pg.Node_ExplainStmt, *pg.Node_CreateTableAsStmt, *pg.Node_ViewStmt, *pg.Node_DeclareCursorStmt, *pg.Node_FetchStmt,
		*pg.Node_PrepareStmt, *pg.Node_ExecuteStmt, *pg.Node_CopyStmt, *pg.Node_DoStmt, *pg.Node_CallStmt:
		return true
	case *pg.Node_CreateFunctionStmt:
		for _, o := range v.CreateFunctionStmt.GetOptions() {
			if d := o.GetDefElem(); d.GetDefname() == "language" {
				return d.GetArg().GetString_().GetSval() != "sql"
			}
		}
		return v.CreateFunctionStmt.GetSqlBody() == nil
	case *pg.Node_RenameStmt: // of a schema, which a mask may name
		return v.RenameStmt.GetRenameType() == pg.ObjectType_OBJECT_SCHEMA
	case *pg.Node_LoadStmt, *pg.Node_CreatePlangStmt, *pg.Node_CreateTrigStmt, *pg.Node_RuleStmt, *pg.Node_CreateEventTrigStmt,
		*pg.Node_CreateCastStmt, *pg.Node_CreateConversionStmt, *pg.Node_CreateTransformStmt, *pg.Node_AlterFunctionStmt,
		*pg.Node_DefineStmt, *pg.Node_CreateOpClassStmt, *pg.Node_CreateForeignTableStmt, *pg.Node_ImportForeignSchemaStmt:
		return true
	}
	return false
}
