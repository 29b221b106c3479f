package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport/sallyport/policy"
)

// walker visits one statement's tree, in the order of the grammar's fields.
type walker struct {
	j    *judgement
	verb string
	// dry is set within a plain EXPLAIN: nothing there is executed.
	dry bool
	// later is set within what CREATE FUNCTION and CREATE RULE define: it is
	// executed, but not now.
	later bool
	// self is set while a condition is looked at whose statement joins its target
	// with itself.
	self bool
	// routine is the call of CALL, which is judged as a whole.
	routine *pg.FuncCall
	// ctes are the queries of common table expressions, by name.
	ctes map[string]*pg.SelectStmt
	// serial is the type of a column that is none.
	serial *pg.TypeName
}

// scope is the chain of common table expressions visible at a point.
type scope struct {
	names map[string]bool
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// top judges a statement: its kind must be known.
func (w *walker) top(n *pg.Node) {
	m := inner(n)
	if m == nil {
		w.j.raise(policy.Unknown, "the statement is empty")
		return
	}
	k, ok := kinds[m.Descriptor().Name()]
	if !ok {
		w.j.raise(policy.Unknown, "a statement of kind "+string(m.Descriptor().Name())+" is not known")
		return
	}
	w.verb = k.verb
	w.message(m, nil)
}

// inner is the message within a node.
func inner(n *pg.Node) protoreflect.Message {
	if n == nil {
		return nil
	}
	m := n.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil || fd.Message() == nil {
		return nil
	}
	return m.Get(fd).Message()
}

// raise is judgement.raise, except for what is not executed.
func (w *walker) raise(c policy.Class, why string) {
	if !w.dry {
		w.j.raise(c, why)
	}
}

func (w *walker) destroys(why string) {
	if !w.dry && !w.later {
		w.j.destroys(why)
	}
}

// message judges m by its kind and goes on with its children.
func (w *walker) message(m protoreflect.Message, sc *scope) {
	if k, ok := kinds[m.Descriptor().Name()]; ok {
		w.raise(k.class, "")
		if k.destroys != "" {
			w.destroys(k.destroys)
		}
		if k.copies != "" {
			w.j.copies(k.copies)
		}
		w.j.Alone = w.j.Alone || k.alone
	}
	w.mentions(m)
	switch v := m.Interface().(type) {
	case *pg.SelectStmt:
		sc = w.with(v.GetWithClause(), sc)
		w.selects(v)
	case *pg.InsertStmt:
		sc = w.with(v.GetWithClause(), sc)
		w.inserts(v)
	case *pg.UpdateStmt:
		sc = w.with(v.GetWithClause(), sc)
		w.updates(v)
	case *pg.DeleteStmt:
		sc = w.with(v.GetWithClause(), sc)
		w.deletes(v)
	case *pg.MergeStmt:
		sc = w.with(v.GetWithClause(), sc)
		w.merges(v)
	case *pg.WithClause:
		return // visited by with
	case *pg.RangeVar:
		w.relation(v, sc)
	case *pg.ExplainStmt:
		w.explains(v, sc)
		return
	case *pg.CreateFunctionStmt, *pg.RuleStmt:
		w.utility(m)
		outer := w.later
		w.later = true
		defer func() { w.later = outer }()
	default:
		w.expression(m)
		w.utility(m)
	}
	w.children(m, sc)
}

// children visits the fields of m in their declared order.
func (w *walker) children(m protoreflect.Message, sc *scope) {
	switch v := m.Interface().(type) {
	case *pg.Node: // one of 270 fields
		if in := inner(v); in != nil {
			w.message(in, sc)
		}
		return
	case *pg.A_Const, *pg.String:
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || !m.Has(fd) {
			continue
		}
		if !fd.IsList() {
			w.message(m.Get(fd).Message(), sc)
			continue
		}
		for l, k := m.Get(fd).List(), 0; k < l.Len(); k++ {
			w.message(l.Get(k).Message(), sc)
		}
	}
}

// with visits the common table expressions of a statement and returns the scope
// of its body. Without RECURSIVE each sees only those before it.
func (w *walker) with(c *pg.WithClause, sc *scope) *scope {
	if c == nil {
		return sc
	}
	in := &scope{names: map[string]bool{}, outer: sc}
	if w.ctes == nil {
		w.ctes = map[string]*pg.SelectStmt{}
	}
	for _, n := range c.GetCtes() {
		if q := n.GetCommonTableExpr().GetCtequery().GetSelectStmt(); q != nil {
			w.ctes[n.GetCommonTableExpr().GetCtename()] = q
		}
	}
	if c.GetRecursive() {
		for _, n := range c.GetCtes() {
			in.names[n.GetCommonTableExpr().GetCtename()] = true
		}
	}
	for _, n := range c.GetCtes() {
		w.message(n.ProtoReflect(), in)
		in = &scope{names: map[string]bool{n.GetCommonTableExpr().GetCtename(): true}, outer: in}
	}
	return in
}

func (w *walker) relation(r *pg.RangeVar, sc *scope) {
	if r.GetSchemaname() == "" && sc.has(r.GetRelname()) {
		return
	}
	w.named(r, false)
}

// named records a relation that no common table expression can stand for.
func (w *walker) named(r *pg.RangeVar, write bool) {
	if r == nil || r.GetRelname() == "" {
		return
	}
	w.j.table(tableName{Schema: r.GetSchemaname(), Name: r.GetRelname(), Write: write && !w.dry && !w.later})
	w.scopes(r)
	if r.GetSchemaname() == "information_schema" && strings.Contains(r.GetRelname(), "user_mapping") {
		w.raise(policy.Privilege, r.GetRelname()+" holds credentials")
	}
	if r.GetSchemaname() == "" || r.GetSchemaname() == "pg_catalog" {
		if class, why := systemRelation(r.GetRelname()); class != policy.Read {
			w.raise(class, why)
		}
		if write && (r.GetSchemaname() != "" || strings.HasPrefix(r.GetRelname(), "pg_")) {
			w.raise(policy.Dangerous, "changes the system catalog by hand")
		}
	}
}

// strs are the names in a list of String nodes.
func strs(list []*pg.Node) []string {
	var out []string
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			out = append(out, s.GetSval())
		}
	}
	return out
}

// contains reports whether a message of kind T is anywhere below m.
func contains[T any](m protoreflect.Message, ok func(T) bool) bool {
	if !m.IsValid() {
		return false
	}
	i := m.Interface()
	if v, is := i.(T); is && ok(v) {
		return true
	}
	if _, leaf := i.(*pg.A_Const); leaf {
		return false
	}
	found := false
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for l, i := v.List(), 0; i < l.Len() && !found; i++ {
				found = contains(l.Get(i).Message(), ok)
			}
		default:
			found = contains(v.Message(), ok)
		}
		return !found
	})
	return found
}
