package mssql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// judged is all that is found out about a text without running it.
type judged struct {
	*reading
	facts policy.Facts
	trace *connectors.Trace
	// cannot says why it is not run, "" if it may be.
	cannot string
	// named is set where the trace's columns are those of the answer, which are called
	// names, "" where that is the server's choice.
	named   bool
	names   []string
	aliases []string
	used    []*relation
}

// assess judges a text by the catalog as last read.
func (c *Conn) assess(text string) *judged {
	cat := c.catalog.Load()
	r := read(text, c.endpoint.Database)
	j := &judged{reading: r, facts: r.facts}
	j.facts.Tables = slices.Clone(r.facts.Tables)
	if r.facts.Statements > 1 {
		j.cannot = several
	} else if r.facts.Verb == "USE" {
		j.cannot = "another database is a resource of its own"
	} else if r.facts.Verb == "SET" && r.facts.Class == policy.Unknown {
		j.cannot = "the session's settings are the gate's"
	}
	j.resolve(cat, c.home, c.endpoint.Database)
	trace, err := j.follow(cat, c.home, c.endpoint.Database)
	if why := c.taintedBy(); why != "" {
		err = errors.New(why)
	}
	if err != nil {
		trace = &connectors.Trace{Why: err.Error()}
		j.facts.Opaque = j.facts.Opaque || j.facts.Class != policy.Read
		j.mentioned(cat)
	} else {
		j.facts.Copies = false // where values go is known
		for _, col := range trace.Reads {
			j.facts.Reads = append(j.facts.Reads, policy.Column{Schema: col.Schema, Table: col.Table, Name: col.Name})
		}
	}
	j.trace = trace
	for _, r := range j.used { // however their names were come by
		if !slices.ContainsFunc(j.facts.Tables, func(t policy.Table) bool { return t.Schema == r.Schema && t.Name == r.Name }) {
			j.facts.Tables = append(j.facts.Tables, policy.Table{Schema: r.Schema, Name: r.Name, Kind: r.kind})
		}
	}
	return j
}

// resolve completes the facts by what the catalog knows.
func (j *judged) resolve(cat *catalog, home, database string) {
	for i := 0; i < len(j.facts.Tables); i++ {
		n := &j.facts.Tables[i]
		parts := []string{n.Name}
		if n.Schema != "" {
			parts = []string{n.Schema, n.Name}
		}
		switch r := cat.find(parts, home, database); {
		case r != nil:
			n.Schema, n.Name, n.Kind = r.Schema, r.Name, r.kind
			if r.elsewhere(database) {
				j.facts.Class, j.facts.Opaque = policy.Worst(j.facts.Class, policy.Dangerous), true
				j.facts.Why = strings.TrimPrefix(j.facts.Why+"; "+r.Name+" stands for what is of another database or server", "; ")
			}
			if n.Write && r.code {
				j.facts.Opaque = true
				j.followed = false
			}
			if schema, name, ok := r.stands(database); ok { // a synonym is its table by another name
				j.alias(policy.Table{Schema: schema, Name: name, Write: n.Write})
			}
		case harmlessViews[strings.ToLower(n.Schema+"."+n.Name)] && !n.Write:
			n.Kind = policy.TablePlain
		case n.Schema == "":
			n.Schema = home
		}
	}
}

// alias adds a table that another name stands for, once.
func (j *judged) alias(t policy.Table) {
	if !slices.ContainsFunc(j.facts.Tables, func(o policy.Table) bool {
		return strings.EqualFold(o.Name, t.Name) && strings.EqualFold(o.Schema, t.Schema) && (o.Write || !t.Write)
	}) {
		j.facts.Tables = append(j.facts.Tables, t)
	}
}

// mentioned adds to the tables of a statement that is not followed every relation whose
// name stands anywhere in its text, whatever it means there. A name that a collation may
// take for another is of whatever table.
func (j *judged) mentioned(cat *catalog) {
	names := map[string]bool{}
	for _, t := range j.t {
		if !t.Named() {
			continue
		}
		names[strings.ToLower(strings.TrimRight(t.Value, " "))] = true
		j.facts.Opaque = j.facts.Opaque || strings.ContainsFunc(t.Value, func(r rune) bool { return r > '~' })
	}
	for _, r := range cat.order {
		if !names[strings.ToLower(r.Name)] || slices.ContainsFunc(j.facts.Tables, func(t policy.Table) bool { return t.Schema == r.Schema && t.Name == r.Name }) {
			continue
		}
		j.facts.Tables = append(j.facts.Tables, policy.Table{Schema: r.Schema, Name: r.Name, Kind: r.kind})
	}
}

// follow finds where the values of a statement come from and go to.
func (j *judged) follow(cat *catalog, home, database string) (*connectors.Trace, error) {
	switch {
	case j.control, j.facts.Class == policy.Privilege && j.followed:
		return &connectors.Trace{}, nil
	case !j.followed:
		return nil, errors.New("what the statement does is not followed")
	case j.facts.Class == policy.DDL:
		return nil, errors.New("what a change of the structure does to columns is not followed")
	case j.query == nil && j.facts.Verb == "INSERT":
		into := cat.find(j.target.Parts, home, database)
		if into == nil || into.kind != policy.TablePlain {
			return nil, errors.New("what it changes is not known")
		}
		return &connectors.Trace{Predicates: j.betrayed(into, nil)}, nil // DEFAULT VALUES
	case j.query == nil:
		return nil, errors.New("only a plain SELECT, INSERT, UPDATE or DELETE of tables is followed, without WITH, subqueries or set operations")
	}
	s, err := sqltext.ReadSelect(sqltext.TSQL, j.query)
	if err != nil {
		return nil, err
	}
	find := func(parts []string) *sqltext.Table {
		r := cat.find(parts, home, database)
		if r == nil || r.kind != policy.TablePlain {
			return nil
		}
		j.used = append(j.used, r)
		return &r.Table
	}
	res, err := s.Resolve(find, true)
	if err != nil {
		return nil, err
	}
	out := &connectors.Trace{Reads: columnsOf(res.Reads)}
	for _, p := range res.Predicates {
		out.Predicates = append(out.Predicates, connectors.Predicate{Column: columnOf(p.Ref), Equality: p.Equality, Clause: p.Clause, Tries: p.Tries})
	}
	for _, it := range s.Items {
		if it.Alias != "" {
			j.aliases = append(j.aliases, it.Alias)
		}
	}
	if j.facts.Verb == "SELECT" {
		j.named = true
		out.Predicates = append(out.Predicates, j.indexOrder(s)...)
		for _, o := range res.Columns {
			out.Columns = append(out.Columns, connectors.ValueOrigin{Direct: o.Direct, Columns: columnsOf(o.Columns)})
			j.names = append(j.names, o.Name)
		}
		return out, nil
	}
	return out, j.written(out, res, cat.find(j.target.Parts, home, database))
}

// written tells where a change's values go.
func (j *judged) written(out *connectors.Trace, res *sqltext.Resolution, into *relation) error {
	if into == nil || into.kind != policy.TablePlain {
		return errors.New("what it changes is not known")
	}
	out.Predicates = append(out.Predicates, j.betrayed(into, j.assigned)...)
	if j.facts.Verb == "DELETE" {
		return nil
	}
	names := j.assigned
	if len(names) == 0 { // then the server leaves out identities and what it computes
		for _, c := range into.Columns {
			names = append(names, c.Name)
			j.facts.Writes = append(j.facts.Writes, policy.Column{Schema: into.Schema, Table: into.Name, Name: c.Name})
		}
		if len(res.Reads) > 0 && len(res.Columns) != len(names) {
			return errors.New("which columns the values go into depends on the table: name them")
		}
	}
	for i, o := range res.Columns {
		if len(names) == 0 {
			return errors.New("what it changes is not known")
		}
		name := names[i%len(names)]
		target := mask.Column{Schema: into.Schema, Table: into.Name, Name: name}
		found := false
		for _, c := range into.Columns {
			if strings.EqualFold(c.Name, name) {
				target.Name, found = c.Name, true
			}
		}
		if !found {
			return errors.New("the column " + name + " is not known")
		}
		if w := (policy.Column{Schema: target.Schema, Table: target.Table, Name: target.Name}); !slices.Contains(j.facts.Writes, w) {
			j.facts.Writes = append(j.facts.Writes, w)
		}
		if len(o.Columns) > 0 {
			out.Writes = append(out.Writes, connectors.Written{Into: into.Name + "." + target.Name, Targets: []mask.Column{target}, Sources: columnsOf(o.Columns)})
		}
	}
	return nil
}

func columnOf(r sqltext.Ref) mask.Column {
	return mask.Column{Schema: r.Schema, Table: r.Table, Name: r.Name}
}

func columnsOf(refs []sqltext.Ref) []mask.Column {
	var out []mask.Column
	for _, r := range refs {
		out = append(out, columnOf(r))
	}
	return out
}

// Judge finds the facts of a statement from its text and the catalog as last read.
// It asks the target nothing.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return c.assess(s.Text).facts, nil
}

// Trace tells where a statement's values come from, as Judge does facts.
func (c *Conn) Trace(_ context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.assess(s.Text).trace, nil
}
