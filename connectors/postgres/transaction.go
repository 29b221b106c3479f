package postgres

import (
	"context"
	"fmt"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/connectors"
)

// block is the state of a transaction that the requester began.
type block uint8

const (
	noBlock     block = iota // each statement is a transaction of its own
	openBlock                // statements are steps of one
	failedBlock              // one of them failed: the target takes nothing but its end
)

// transacts reports whether a statement begins or ends a transaction in a way
// that the gate offers.
func transacts(n *pg.Node) bool {
	t := n.GetTransactionStmt()
	if t.GetChain() {
		return false
	}
	switch t.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START,
		pg.TransactionStmtKind_TRANS_STMT_COMMIT, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return true
	}
	return marks(n)
}

// ownSavepoint is the gate's, around each step of a transaction.
const ownSavepoint = "sallyport"

// marks reports whether a statement sets, drops or returns to a savepoint.
func marks(n *pg.Node) bool {
	t := n.GetTransactionStmt()
	switch t.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pg.TransactionStmtKind_TRANS_STMT_RELEASE, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return t.GetSavepointName() != ownSavepoint
	}
	return false
}

// offered takes back why a statement cannot be run, where what its lineage tells
// makes it possible.
func (c *Conn) offered(t *traced, j *judgement) *judgement {
	j = c.granted(t, j)
	if j.Statements > 1 || j.Cannot == "" || !transacts(t.statement) && !(t.Understood && copies(t.statement)) {
		return j
	}
	out := *j
	out.Cannot = ""
	return &out
}

// transact begins or ends the requester's transaction. The caller holds io.
func (q *source) transact(text string) error {
	c := q.c
	if marks(q.t.statement) {
		return q.mark(text)
	}
	begins := q.t.statement.GetTransactionStmt().GetKind() <= pg.TransactionStmtKind_TRANS_STMT_START
	switch {
	case begins && c.block != noBlock:
		return q.conclude("", fmt.Errorf("%w: a transaction is open already", connectors.ErrUnsupported))
	case !begins && c.block == noBlock:
		return q.conclude("", fmt.Errorf("%w: there is no transaction to end", connectors.ErrUnsupported))
	}
	// Its end is not left to a requester who may go away.
	ctx, cancel := q.run, context.CancelFunc(func() {})
	if !begins {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(q.run), q.c.settleTime())
	}
	defer cancel()
	q.sent = true
	results, err := c.pg.Exec(ctx, text).ReadAll()
	tag := ""
	if len(results) == 1 {
		tag = results[0].CommandTag.String()
	}
	c.block = noBlock
	c.wishes.local = 0
	switch {
	case begins && err == nil:
		c.block = openBlock
	case !begins && tag != "COMMIT":
		c.dirty.Store(true) // what it had changed is as it was
		c.session.forget()
	}
	return q.conclude(tag, q.failure(err))
}

// mark sets, drops or returns to a savepoint of the requester's. What was done since
// one that is returned to is as it was.
func (q *source) mark(text string) error {
	c := q.c
	back := q.t.statement.GetTransactionStmt().GetKind() == pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO
	switch {
	case c.block == noBlock:
		return q.conclude("", fmt.Errorf("%w: a savepoint is a mark within a transaction: begin one first", connectors.ErrUnsupported))
	case c.block == failedBlock && !back:
		return q.conclude("", errFailedBlock())
	}
	q.sent = true
	results, err := c.pg.Exec(q.run, text).ReadAll()
	tag := ""
	if len(results) == 1 {
		tag = results[0].CommandTag.String()
	}
	switch c.pg.TxStatus() {
	case 'T':
		c.block = openBlock
	case 'E':
		c.block = failedBlock
	}
	if back && err == nil {
		c.dirty.Store(true)
		c.session.forget()
	}
	return q.conclude(tag, q.failure(err))
}

// errFailedBlock is what the target says to a step after one that failed.
func errFailedBlock() error {
	return &connectors.TargetError{Code: "25P02", Text: "current transaction is aborted, commands ignored until end of transaction block"}
}

// within makes the statement a step of the requester's transaction: the target
// restores what was read-only when the savepoint is released.
func (q *source) within(limit string, readOnly bool) error {
	if q.c.block == failedBlock {
		return errFailedBlock()
	}
	text := "savepoint sallyport; set local " + limit
	if readOnly {
		text += "; set transaction read only"
	}
	if err := q.g.Note(q.run, text+"; the statement; release savepoint sallyport"); err != nil {
		return err
	}
	q.step = true
	_, err := q.c.pg.Exec(q.run, text).ReadAll()
	return q.failure(err)
}

// settleStep ends a step. One that failed leaves the transaction as the target
// leaves it; one that was refused or left early is taken back alone.
func (q *source) settleStep(err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.run), q.c.settleTime())
	defer cancel()
	failed := q.c.pg.TxStatus() == 'E'
	text := "release savepoint sallyport"
	switch {
	case failed && !q.abandoned:
		q.c.block = failedBlock
		return err
	case err != nil || q.abandoned:
		text = "rollback to savepoint sallyport; " + text
	}
	if _, end := q.c.pg.Exec(ctx, text).ReadAll(); end != nil {
		q.c.block = failedBlock
		mapped, unknown := q.c.failure(ctx, end)
		q.out.Unknown = q.out.Unknown || unknown
		if err == nil {
			err = mapped
		}
	}
	return err
}
