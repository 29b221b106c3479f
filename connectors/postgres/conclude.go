package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// conclude ends the transaction as the statement ended, and notes the outcome.
// The caller holds io.
func (q *source) conclude(tag string, err error) error {
	q.over = true
	if err == nil && !q.readOnly && q.began && q.run.Err() != nil {
		err = canceled(q.run) // not committed yet, so it can still be taken back
	}
	switch {
	case q.c.pg.IsClosed():
	case q.step:
		err = q.settleStep(err)
	case q.began:
		if err == nil && !q.abandoned {
			err = q.commit()
		}
		if err != nil || q.abandoned {
			q.rollback()
		}
	}
	if q.f.Class != policy.Read && (q.f.Class != policy.Write || q.f.Opaque) {
		q.c.dirty.Store(true)
	}
	q.err = err
	opaque := q.sent && (!q.t.Understood || q.t.Code)
	if err == nil || opaque {
		q.c.remember(q.j, opaque)
	}
	if opaque {
		q.c.session.forgetAll()
	}
	if err == nil {
		q.out.Tag = tag
		q.out.Affected = affected(tag)
		q.c.session.remember(q.t, q.j)
		q.c.wishes.wish(q.t.statement, q.c.block != noBlock)
		if s := q.t.statement.GetVariableSetStmt(); s.GetName() == "search_path" || s != nil && limits(s) && len(s.GetArgs()) == 0 {
			q.c.dirty.Store(true) // what the gate sets is set again
		}
		if q.t.Made != nil {
			q.c.dirty.Store(true)
		}
	}
	return err
}

// failure is an error of pgconn in the hub's words.
func (q *source) failure(err error) error {
	mapped, unknown := q.c.failure(q.run, err)
	q.out.Unknown = q.out.Unknown || unknown && q.sent
	var te *connectors.TargetError
	if errors.As(mapped, &te) && te.Code == queryCanceled && q.limit > 0 {
		// Somebody at the target may have cancelled it, too; that comes sooner.
		te.Late = q.c.now().Sub(q.since) >= q.limit
	}
	return mapped
}

func (q *source) commit() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.run), q.c.settleTime())
	defer cancel()
	results, err := q.c.pg.Exec(ctx, "commit").ReadAll()
	if err == nil && len(results) == 1 && results[0].CommandTag.String() != "COMMIT" {
		return fmt.Errorf("%w: the target rolled the transaction back", connectors.ErrProtocol)
	}
	if err == nil {
		return nil
	}
	mapped, unknown := q.c.failure(ctx, err)
	q.out.Unknown = unknown || ctx.Err() != nil
	return mapped
}

// rollback undoes the transaction. A cancel request may arrive late and hit it,
// so it is tried again; a session that cannot be rolled back is given up.
func (q *source) rollback() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.run), q.c.settleTime())
	defer cancel()
	for range 3 {
		if _, err := q.c.pg.Exec(ctx, "rollback").ReadAll(); err == nil {
			return
		}
	}
	_ = q.c.pg.Close(ctx)
}

// affected reads the count of a command tag that speaks of changed rows.
func affected(tag string) int64 {
	verb, _, _ := strings.Cut(tag, " ")
	switch verb {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		return pgconn.NewCommandTag(tag).RowsAffected()
	}
	return -1
}
