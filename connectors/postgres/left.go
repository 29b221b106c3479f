package postgres

import (
	"maps"
	"slices"
	"sync"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/connectors/postgres/lineage"
)

// session is what the statements of a connection left behind under a name.
type session struct {
	mu                sync.Mutex
	prepared, cursors map[string]left
	// made are temporary tables by name whose oids are not known yet, filled those by
	// oid: what their columns were filled with.
	made, filled map[string][]lineage.Output
}

// left is a statement that another one will run or read.
type left struct {
	query *pg.Node
	j     *judgement
}

// remember notes what a statement that has run left behind.
func (s *session) remember(t *traced, j *judgement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.statement.GetDeallocateStmt() != nil {
		s.prepared = nil
	}
	if s.prepared == nil {
		s.prepared = map[string]left{}
	}
	if s.cursors == nil {
		s.cursors = map[string]left{}
	}
	if rel := made(t.statement); t.Made != nil && rel != nil {
		if s.made == nil {
			s.made = map[string][]lineage.Output{}
		}
		s.made[rel.GetRelname()] = t.Made
	}
	switch n := t.statement; {
	case n.GetPrepareStmt() != nil && len(s.prepared) < maxPrepared:
		s.prepared[n.GetPrepareStmt().GetName()] = left{n.GetPrepareStmt().GetQuery(), j}
	case n.GetDeclareCursorStmt() != nil:
		s.cursors[n.GetDeclareCursorStmt().GetPortalname()] = left{n.GetDeclareCursorStmt().GetQuery(), j}
	}
}

// made is the table that a statement makes of its rows.
func made(n *pg.Node) *pg.RangeVar {
	if s := n.GetSelectStmt(); s != nil {
		return s.GetIntoClause().GetRel()
	}
	return n.GetCreateTableAsStmt().GetInto().GetRel()
}

// find gives the temporary tables that were made since to the catalog that knows
// their oids, with all that were made before.
func (s *session) find(y *structure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, cols := range s.made {
		if r := y.temporary[name]; r != nil {
			if s.filled == nil {
				s.filled = map[string][]lineage.Output{}
			}
			// IF NOT EXISTS leaves a table as it was: it holds what it held.
			s.filled[r.oid] = append(slices.Clone(s.filled[r.oid]), cols...)
		}
	}
	s.made = nil
	y.filled = maps.Clone(s.filled)
}

// forget drops cursors, which end with their transaction; what was prepared stays.
func (s *session) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors = map[string]left{}
}

// forgetAll drops what was prepared, too: code that was not followed may have put
// something else under its name.
func (s *session) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared, s.cursors = map[string]left{}, map[string]left{}
}

// behind is the judgement of what a statement runs under a name, together with
// its own; where nothing is known under it, its own.
func (s *session) behind(t *traced, j *judgement) *judgement {
	s.mu.Lock()
	defer s.mu.Unlock()
	var inner left
	verb := "EXECUTE"
	switch n := t.statement; {
	case n.GetExecuteStmt() != nil:
		inner = s.prepared[n.GetExecuteStmt().GetName()]
	case n.GetFetchStmt() != nil:
		inner, verb = s.cursors[n.GetFetchStmt().GetPortalname()], j.Verb
	}
	if inner.j == nil || j.Cannot != "" {
		return j
	}
	both := *inner.j
	both.Verb, both.Form, both.Session = verb, "", false
	both.Tables = append(slices.Clone(both.Tables), j.Tables...)
	both.Calls = append(slices.Clone(both.Calls), j.Calls...)
	both.Fields = append(slices.Clone(both.Fields), j.Fields...)
	both.Operators = append(slices.Clone(both.Operators), j.Operators...)
	both.Types = append(slices.Clone(both.Types), j.Types...)
	both.Opaque = both.Opaque || j.Opaque
	both.raise(j.Arguments, "")
	return &both
}

// behind is session.behind, or what the text of PREPARE alone told.
func (c *Conn) behind(t *traced, j *judgement) *judgement {
	return c.known(c.session.behind(t, j))
}
