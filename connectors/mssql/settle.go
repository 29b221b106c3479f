package mssql

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// settleTime bounds what ends a transaction, which the requester cannot cancel.
const settleTime = 30 * time.Second

// conclude ends the answer and the transaction as the statement ended. The caller
// holds io.
func (q *source) conclude(err error) error {
	c := q.c
	q.over, q.err = true, err
	settle, cancel := context.WithTimeout(context.WithoutCancel(q.run), settleTime)
	defer cancel()
	defer c.line.ask(drainMax)()
	defer c.watch(settle)()
	if e := q.close(); e != nil && err == nil {
		if q.err = c.failure(settle, e); q.quiet {
			q.err = blunted(q.err)
		}
	}
	if q.tx != nil && !c.isBroken() {
		if e := guarded(q.tx.Rollback); e != nil {
			c.breakOff() // with the session its transaction ends
		}
		q.tx = nil
	}
	if q.err == nil {
		q.err = q.failure(q.heard.swallowed())
	}
	if q.err == nil && q.sent && q.terms.ReadOnly && !q.j.control && len(q.types) == 0 {
		q.err = &connectors.TargetError{Code: "rolled back", Text: "the statement ran as a read, answered no rows, and was rolled back"}
	}
	if q.err == nil && q.sent && !q.j.control && len(q.types) == 0 && q.j.facts.Verb == "SELECT" && q.j.facts.Class == policy.Read {
		q.err = fmt.Errorf("%w: it answers with nothing where there are columns at least", connectors.ErrProtocol)
	}
	q.remember()
	return q.err
}

// close ends the answer. On a line that is gone the library has to be asked several
// times until all that it has read is read.
func (q *source) close() (err error) {
	if q.answer == nil {
		return nil
	}
	for end := time.Now().Add(time.Second); ; {
		err = guarded(q.answer.Close)
		if err == nil || !q.c.isBroken() || time.Now().After(end) {
			return err
		}
	}
}

// remember keeps what the statement did to the session.
func (q *source) remember() {
	if !q.sent || q.j.facts.Class == policy.Read {
		return
	}
	if q.j.facts.Class != policy.Write || q.j.facts.Opaque {
		q.c.dirty.Store(true)
	}
	if !q.j.followed {
		q.c.taint("the session ran what is not understood, and may be another than it was; open the resource again")
	}
}

// Finish ends what still runs. A read that is left early is cancelled.
func (q *source) Finish() connectors.Outcome {
	if q.ended {
		return q.out
	}
	q.ended = true
	if q.sent && !q.over {
		q.stop(context.Canceled)
		q.c.io <- struct{}{}
		_ = q.conclude(nil)
		<-q.c.io
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	q.out.Err = q.err
	if q.err == nil {
		q.out.Tag = q.tag()
	}
	q.c.turn.End()
	return q.out
}

// tag says what was done, in PostgreSQL's words.
func (q *source) tag() string {
	n := strconv.FormatInt(q.out.Affected, 10)
	switch verb := q.j.facts.Verb; {
	case len(q.types) > 0:
		return "SELECT " + strconv.FormatInt(q.n, 10)
	case verb == "INSERT":
		return "INSERT 0 " + n
	case verb == "UPDATE", verb == "DELETE":
		return verb + " " + n
	default:
		return verb
	}
}
