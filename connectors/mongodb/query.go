package mongodb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/judge"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Query runs one command as connectors.Querier describes. A command without rows has
// run when Query returns.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	run, stop, err := c.turn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	a, err := c.fresh(run, g, s.Text)
	if err != nil {
		c.turn.End()
		return nil, err
	}
	permit, err := g.Check(run, connectors.Operation{
		Action: policy.ActionSQL, Text: s.Text, Facts: a.Facts, Trace: a.Trace, Login: c.endpoint.User,
	})
	if err != nil {
		c.turn.End()
		return nil, err
	}
	q := &source{c: c, g: g, run: run, stop: stop, a: a, terms: permit.Terms(), out: connectors.Outcome{Affected: -1}}
	no := a.Trace.Refusal(permit.Seen(), permit.Kept(), a.Facts)
	if a.touchesMasked(c.endpoint.Database, permit.Seen(), permit.Kept()) {
		a.Facts.Opaque = true // from here on this is about the target's words alone
	}
	if no != nil {
		return nil, q.refused(permit, no)
	}
	if err := q.start(); err != nil {
		return nil, q.refused(permit, err)
	}
	return connectors.NewResult(permit, a.Facts, q.columns, q), nil
}

// touchesMasked reports whether the command is about a collection of which anything is
// masked, so that the target's words may hold it.
func (a *assessed) touchesMasked(db string, plans ...*mask.Plan) bool {
	for _, p := range plans {
		if a.Trace.Touches(p) {
			return true
		}
		for _, name := range a.Collections {
			if p.MasksDocuments(db, name) {
				return true
			}
		}
	}
	return false
}

// maxLooks is more often than views can be of views that are followed.
const maxLooks = 20

// fresh judges a text by what its collections stand for now: a name may have become
// that of a view. Where nothing is masked that does not matter.
func (c *Conn) fresh(ctx context.Context, g connectors.Guard, text string) (*assessed, error) {
	a := c.assess(text)
	if m, ok := g.(connectors.Masker); ok {
		seen, kept, err := m.Masks()
		if err != nil {
			return nil, err
		}
		if !seen.MasksColumns() && !kept.MasksColumns() {
			return a, nil
		}
	}
	var asked []string
	for round := 0; ; round++ { // views of views, of which the judge follows but so many
		if round > maxLooks {
			return nil, malformed("its views do not end")
		}
		names := slices.DeleteFunc(slices.Clone(a.Collections), func(n string) bool { return slices.Contains(asked, n) })
		if len(names) == 0 {
			return a, nil
		}
		if err := c.look(ctx, g, names); err != nil {
			return nil, fmt.Errorf("read the catalog of %q: %w", c.endpoint.Name, err)
		}
		asked = append(asked, names...)
		a = c.assess(text)
	}
}

// refused ends an operation that was permitted and has no answer.
func (q *source) refused(p connectors.Permit, err error) error {
	o := q.Finish()
	o.Err = err
	return connectors.Settle(p, q.a.Facts, q.sent, o)
}

// source is the answer of one command.
type source struct {
	c       *Conn
	g       connectors.Guard
	run     context.Context         //nolint:containedctx // the operation's lifetime, which is the source's
	stop    context.CancelCauseFunc // ends run, and nothing that follows on the connection
	a       *assessed
	terms   connectors.Terms
	columns []connectors.Column

	timer  *time.Timer
	sent   bool // the command was sent, so an error may speak of values
	over   bool // there is nothing more, as err says
	ended  bool // Finish was called
	err    error
	n      int64
	out    connectors.Outcome
	cursor int64
	coll   string // of the cursor
	rest   []byte // of the batch at hand: elements, and the zero that ends them
	batch  int
	vals   []connectors.Value
	buf    []byte
}

var _ connectors.Source = (*source)(nil)

const (
	firstBatch = 100
	mostBatch  = 1000
	// Batches become smaller and larger so that they are about so many bytes.
	smallReply, largeReply = 128 << 10, 1 << 20
)

// start sends the command and reads the first of its answer.
func (q *source) start() error {
	if q.a.Cannot != "" {
		if q.a.wrong != nil {
			return &connectors.TargetError{Code: "FailedToParse", Text: q.a.wrong.Error(), Position: position(q.a.wrong)}
		}
		return fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.a.Cannot)
	}
	// MongoDB has no read-only mode for a session, so this is the gate's own word.
	if q.terms.ReadOnly && q.a.Facts.Class != policy.Read {
		return &connectors.TargetError{Code: "IllegalOperation", Text: "it runs on read-only terms, and " + q.a.Facts.Verb + " is no read"}
	}
	q.columns = q.a.answer()
	q.vals = make([]connectors.Value, len(q.columns))
	q.batch = firstBatch
	if q.terms.MaxRows > 0 {
		q.batch = int(min(firstBatch, q.terms.MaxRows))
	}
	cmd := q.command()
	if err := q.g.Note(q.run, "sends "+noted(cmd)); err != nil {
		return err
	}
	said, err := q.ask(cmd, true)
	if err == nil {
		err = q.first(said)
	}
	if err != nil {
		q.over, q.err = true, err
	}
	return err
}

// maxNoted is up to where a command is recorded as it is sent; of a longer one its
// hash is.
const maxNoted = 16 << 10

func noted(cmd bsoncore.Document) string {
	if len(cmd) <= maxNoted {
		return string(appendDocument(nil, cmd))
	}
	return fmt.Sprintf("%s, %d bytes of BSON, SHA-256 %x", cmd.Index(0).Key(), len(cmd), sha256.Sum256(cmd))
}

// command is what was judged, with the gate's own limits: how long it may take, and how
// much of the answer comes at a time.
func (q *source) command() bsoncore.Document {
	at, b := bsoncore.AppendDocumentStart(nil)
	limit := int64(0)
	if q.terms.Timeout > 0 {
		limit = max(1, q.terms.Timeout.Milliseconds())
	}
	elems, _ := q.a.cmd.Doc.Elements()
	for _, e := range elems {
		switch k := e.Key(); {
		case k == "$db", k == q.a.Batched:
		case k == "maxTimeMS" && q.a.Limited:
			if own, ok := e.Value().AsInt64OK(); ok && own > 0 && (limit == 0 || own < limit) {
				limit = own
			}
		default:
			b = bsoncore.AppendValueElement(b, k, e.Value())
		}
	}
	if q.a.Limited && limit > 0 {
		b = bsoncore.AppendInt64Element(b, "maxTimeMS", limit)
	}
	switch q.a.Batched {
	case "":
	case "batchSize":
		b = bsoncore.AppendInt32Element(b, "batchSize", int32(q.batch))
	default:
		b = (&builder{b: b}).size(q.a.Batched, q.batch).b
	}
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return b
}

// ask sends a command on the main line and reads its answer; what runs too long, or
// for nobody, is ended at the target.
func (q *source) ask(cmd bsoncore.Document, first bool) (bsoncore.Document, error) {
	c := q.c
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if err := c.turn.Gone(); err != nil {
		return nil, err
	}
	if err := q.run.Err(); err != nil {
		return nil, canceled(q.run)
	}
	if first {
		var err error
		if c.main, err = c.renewed(q.run, c.main); err != nil {
			return nil, err
		}
		if q.terms.Timeout > 0 {
			q.timer = time.AfterFunc(q.terms.Timeout+time.Second, func() { q.stop(errTime) })
		}
	}
	unwatch := c.watch(q.run)
	defer unwatch()
	db := c.endpoint.Database
	if q.a.cmd.Admin && first {
		db = "admin"
	}
	q.sent = true
	began := time.Now()
	said, err := c.main.ask(cmd, db)
	unwatch()
	if err == nil {
		err = failed(said)
	}
	// A target may end in time and say nothing of it, with what it had by then.
	if err == nil && first && q.a.Limited && q.terms.Timeout > 0 && time.Since(began) >= q.terms.Timeout {
		return nil, &connectors.TargetError{Code: "MaxTimeMSExpired", Text: errTime.Error(), Late: true}
	}
	if err != nil && c.main.broken {
		q.out.Unknown = true
		_ = c.main.nc.Close()
	}
	return said, c.failure(q.run, err)
}

// Next returns the next row.
func (q *source) Next(ctx context.Context) ([]connectors.Value, error) {
	for {
		if len(q.rest) > 1 {
			e, next, ok := bsoncore.ReadElement(q.rest)
			if !ok {
				return nil, malformed("a batch that is no list")
			}
			q.rest = next
			return q.row(e.Value())
		}
		if q.over {
			if q.err != nil {
				return nil, q.err
			}
			return nil, io.EOF
		}
		if q.cursor == 0 {
			q.over = true
			continue
		}
		if err := q.more(ctx); err != nil {
			q.over, q.err, q.rest = true, err, nil
		}
	}
}

// more reads the next batch.
func (q *source) more(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { q.stop(context.Cause(ctx)) })()
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendInt64Element(b, "getMore", q.cursor)
	b = bsoncore.AppendStringElement(b, "collection", q.coll)
	b = bsoncore.AppendInt32Element(b, "batchSize", int32(q.batch))
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	said, err := q.ask(b, false)
	if err != nil {
		return err
	}
	switch {
	case len(said) > largeReply:
		q.batch = max(1, q.batch/2)
	case len(said) < smallReply:
		q.batch = min(mostBatch, q.batch*2)
	}
	return q.take(said, "nextBatch")
}

// take makes a batch the one at hand.
func (q *source) take(said bsoncore.Document, key string) error {
	cursor, ok := said.Lookup("cursor").DocumentOK()
	list, ok2 := cursor.Lookup(key).ArrayOK()
	id, err := cursor.LookupErr("id")
	n, ok3 := id.Int64OK()
	if !ok || !ok2 || err != nil || !ok3 {
		return malformed("an answer without a batch")
	}
	q.cursor, q.rest = n, body(list)
	if ns, ok := cursor.Lookup("ns").StringValueOK(); ok && key == "firstBatch" {
		if _, q.coll, ok = strings.Cut(ns, "."); !ok {
			return malformed("a cursor of no collection")
		}
	}
	q.c.holds(openCursor{q.cursor, q.coll})
	if len(q.rest) <= 1 && q.cursor != 0 && key == "nextBatch" && q.n < 0 {
		return malformed("a cursor without an end")
	}
	return nil
}

// Finish ends what still runs: a cursor that is left early is closed at the target.
func (q *source) Finish() connectors.Outcome {
	if q.ended {
		return q.out
	}
	q.ended = true
	if q.cursor != 0 {
		q.killCursor()
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	if q.out.Err = q.err; q.err == nil {
		q.out.Tag = q.tag()
	}
	q.c.turn.End()
	return q.out
}

// killCursor closes the cursor over the line that it came over, and where that is lost
// over the other.
func (q *source) killCursor() {
	c := q.c
	c.io <- struct{}{}
	defer func() { <-c.io }()
	switch {
	case c.turn.Gone() != nil: // Close has done it
		return
	case c.main.broken:
		c.leave()
		return
	}
	o := c.letGo()
	_ = c.main.nc.SetDeadline(time.Now().Add(cancelGrace))
	if _, err := c.main.ask(o.end(), c.endpoint.Database); err != nil {
		_ = c.main.nc.Close()
		return
	}
	_ = c.main.nc.SetDeadline(time.Time{})
}

// tag says what was done.
func (q *source) tag() string {
	n := q.n
	if q.a.Form == judge.Written {
		n = q.out.Affected
	}
	return fmt.Sprintf("%s %d", q.a.Facts.Verb, n)
}

// Notices are none: what the target says is in its answer.
func (q *source) Notices() []string { return nil }

// position is the character that an error of the text points at.
func position(err error) int {
	var e interface{ Position() int }
	if errors.As(err, &e) {
		return e.Position()
	}
	return 0
}
