package search

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// maxDoc is how much of a stream or an answer is one document.
	maxDoc = 8 << 10
	// docPause is a silence after which a stream's next document begins.
	docPause = 2 * time.Second
)

// Update brings the index up to the source: what was recorded since, what was
// removed. A transcript that cannot be read stays out of it. The first error of
// the index itself ends it; what was done before stays done.
func (x *Index) Update(ctx context.Context, src Source) error {
	heads, err := src.Heads(ctx)
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return fmt.Errorf("update search index: %w", err)
	}
	known, err := x.all()
	if err != nil {
		return fmt.Errorf("update search index: %w: %w", errIndex, err)
	}
	there := map[recorder.ID]bool{}
	for _, h := range heads {
		there[h.ID] = true
		if at := known[h.ID]; at.next == h.Next && at.hash == h.Hash {
			continue
		}
		if err := x.follow(ctx, src, h); err != nil {
			return fmt.Errorf("update search index: transcript %q: %w", h.ID, err)
		}
	}
	for id := range known {
		if there[id] {
			delete(known, id)
		}
	}
	return x.drop(known)
}

// errIndex: it is the index that fails, not what it reads.
var errIndex = errors.New("the index cannot be used")

// mark is how far a transcript is indexed.
type mark struct {
	next uint64
	hash recorder.Hash
}

// all is how far everything is indexed.
func (x *Index) all() (map[recorder.ID]mark, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := map[recorder.ID]mark{}
	err := x.rows("select id, next, hash from transcripts", nil, func(s *sqlite3.Stmt) error {
		m := mark{next: uint64(s.ColumnInt64(1))}
		copy(m.hash[:], s.ColumnRawBlob(2))
		all[recorder.ID(s.ColumnText(0))] = m
		return nil
	})
	return all, err
}

// drop takes out transcripts that are no more.
func (x *Index) drop(gone map[recorder.ID]mark) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range gone {
		if err := x.in(func() error { return x.forget(id) }); err != nil {
			return fmt.Errorf("update search index: %w: %w", errIndex, err)
		}
	}
	return nil
}

// in runs f in a transaction.
func (x *Index) in(f func() error) error {
	if x.c == nil {
		return errClosed
	}
	if err := x.c.Exec("begin immediate"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = x.c.Exec("commit")
	}
	if err != nil {
		return errors.Join(err, x.c.Exec("rollback"))
	}
	return nil
}

func (x *Index) forget(id recorder.ID) error {
	return errors.Join(x.exec("delete from docs where id = ?", string(id)), x.exec("delete from transcripts where id = ?", string(id)))
}

// known is how far a transcript is indexed.
func (x *Index) known(id recorder.ID) (at recorder.Head, err error) {
	at.ID = id
	err = x.rows("select next, hash from transcripts where id = ?", []any{string(id)}, func(s *sqlite3.Stmt) error {
		at.Next = uint64(s.ColumnInt64(0))
		copy(at.Hash[:], s.ColumnRawBlob(1))
		return nil
	})
	return at, err
}

// follow indexes what is new of a transcript, or all of it where what is indexed
// is not what leads to its head.
func (x *Index) follow(ctx context.Context, src Source, h recorder.Head) error {
	x.mu.Lock()
	at, err := x.known(h.ID)
	x.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	for _, from := range []recorder.Head{at, {ID: h.ID}} {
		if from.Next > h.Next {
			continue
		}
		whole, err := x.walk(ctx, src, from, h)
		switch {
		case errors.Is(err, recorder.ErrCorrupt), errors.Is(err, recorder.ErrSealed), errors.Is(err, recorder.ErrNotFound):
			return nil
		case err != nil || whole:
			return err
		}
	}
	// The record itself is damaged: verify tells. Nothing of it is found.
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.in(func() error { return x.forget(h.ID) }); err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	return nil
}

// walk indexes a transcript from one head up to another, a bounded part at a time.
// It returns false where the chain leads elsewhere.
func (x *Index) walk(ctx context.Context, src Source, from, to recorder.Head) (bool, error) {
	for {
		next, docs, err := gather(ctx, src, from, to)
		if err != nil {
			return false, err
		}
		if next.Next == to.Next && next.Hash != to.Hash {
			return false, nil
		}
		part := to
		part.Next, part.Hash = next.Next, next.Hash
		x.mu.Lock()
		err = x.in(func() error { return x.put(part, docs, from.Next == 0) })
		x.mu.Unlock()
		if err != nil {
			return false, fmt.Errorf("%w: %w", errIndex, err)
		}
		if next.Next == to.Next {
			return true, nil
		}
		from = next
	}
}

func (x *Index) put(h recorder.Head, docs *gatherer, anew bool) error {
	if anew {
		if err := x.forget(h.ID); err != nil {
			return err
		}
	}
	p := h.Header.Identity
	err := x.exec("insert or replace into transcripts values (?, ?, ?, ?, ?, ?, ?)", string(h.ID), int64(h.Next), h.Hash[:],
		p.Email, p.Subject, h.Header.Resource, h.Header.Kind)
	if err != nil {
		return err
	}
	if err := x.add(h.ID, docs.docs); err != nil {
		return err
	}
	for op, d := range docs.later {
		if err := x.exec("update docs set verdict = ?, rule = ? where id = ? and op = ?", d.Effect, d.Rule, string(h.ID), int64(op)); err != nil {
			return err
		}
	}
	return nil
}

// add puts documents into the index.
func (x *Index) add(id recorder.ID, docs []*doc) (err error) {
	doc, _, err := x.c.Prepare("insert into docs (id, seq, at, what, op, verdict, rule, class, destructive, text) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	words, _, err := x.c.Prepare("insert into words (rowid, text) values (?, ?)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, words.Close()) }()
	run := func(s *sqlite3.Stmt, args ...any) error {
		for i, a := range args {
			if err := bind(s, i+1, a); err != nil {
				return err
			}
		}
		for s.Step() {
		}
		return errors.Join(s.Err(), s.Reset())
	}
	for _, d := range docs {
		if err := run(doc, string(id), int64(d.seq), d.at.UnixNano(), d.what, int64(d.op), d.verdict, d.rule, d.class, d.destructive, d.text); err != nil {
			return err
		}
		if err := run(words, x.c.LastInsertRowID(), d.text); err != nil {
			return err
		}
	}
	return nil
}
