package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// maxNotices bounds what is asked of a statement's warnings.
const maxNotices = 50

// conclude ends the transaction as the statement ended. The caller holds io.
func (q *source) conclude(err error) error {
	q.over, q.err = true, err
	q.unwatch()
	w := q.c.main
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.run), 3*q.c.grace) // which the requester cannot cancel
	defer cancel()
	if err == nil && q.sent && !q.abandoned {
		q.heed(ctx)
	}
	// A kill may come late and hit what follows; the statement that it hits is lost, so
	// it is one that does not matter.
	settle := "do 0"
	if q.began {
		settle = "rollback"
	}
	if q.began || q.run.Err() != nil {
		ok := false
		for range 3 {
			if ok = !w.broken && q.c.guarded(ctx, w, func() error { return w.run(settle) }) == nil; ok || w.broken {
				break
			}
		}
		if !ok {
			w.broken = true
			_ = w.nc.Close()
		}
	}
	if w.broken && q.sent && !q.c.second.broken {
		// The target may go on without anybody to answer: it looks at its line only when
		// it has something to say.
		if _, err := q.c.aside(ctx, fmt.Sprintf("kill %d", q.c.id)); err != nil {
			q.c.dirty.Store(true) // it has ended by itself, or the second line is lost, too
		}
	}
	q.remember(err)
	return err
}

// heed asks for the target's warnings, unless they, or their number, may tell of
// what is masked.
func (q *source) heed(ctx context.Context) {
	w := q.c.main
	if q.quiet || w.warnings == 0 || w.broken {
		return
	}
	text := fmt.Sprintf("show warnings limit %d", maxNotices)
	if q.g.Note(q.run, text) != nil {
		return
	}
	more := int(w.warnings) - maxNotices
	var rows [][]string
	err := q.c.guarded(ctx, w, func() (err error) { rows, err = w.rows(text, maxNotices+1); return err })
	if err != nil {
		return
	}
	q.c.mu.Lock()
	defer q.c.mu.Unlock()
	for _, r := range rows {
		if len(r) == 3 {
			q.c.notices = append(q.c.notices, strings.ToUpper(r[0])+": "+strings.ToValidUTF8(r[2], "?")+" ("+r[1]+")")
		}
	}
	if more > 0 {
		q.c.notices = append(q.c.notices, fmt.Sprintf("%d more warnings of the target", more))
	}
}

// remember keeps what the statement did to the session.
func (q *source) remember(err error) {
	c := q.c
	if q.sent && q.j.facts.Class != policy.Read && (q.j.facts.Class != policy.Write || q.j.facts.Opaque) {
		c.dirty.Store(true)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := q.j.statement.(*ast.UseStmt); ok && err == nil && q.sent {
		c.database = u.DBName
	}
	if q.sent && !q.j.Understood && q.j.facts.Class != policy.Read {
		c.tainted = "the session ran what is not understood, and may hold temporary tables that stand in for others; open the resource again"
	}
}

// affected is how many rows the statement changed, -1 where that says nothing.
func (q *source) affected(d done) int64 {
	switch q.j.statement.(type) {
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.LoadDataStmt:
		return int64(min(d.affected, 1<<62))
	}
	return -1
}

// tag says what was done, in PostgreSQL's words.
func (q *source) tag() string {
	n := strconv.FormatInt(q.out.Affected, 10)
	switch st := q.j.statement.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		return "SELECT " + strconv.FormatInt(q.n, 10)
	case *ast.InsertStmt:
		return "INSERT 0 " + n
	case *ast.UpdateStmt:
		return "UPDATE " + n
	case *ast.DeleteStmt:
		return "DELETE " + n
	case *ast.ShowStmt:
		return "SHOW"
	case *ast.UseStmt:
		return "USE " + st.DBName
	}
	return q.j.facts.Verb
}

var _ connectors.Source = (*source)(nil)
