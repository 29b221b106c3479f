package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/server/approval"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
	"github.com/sallyport/sallyport/server/session"
)

// corpusGate is a whole gate in this process, with a recorder of its own, for one
// person who may do everything and sees every sensitive column masked.
type corpusGate struct {
	dir     string
	driver  connectors.Driver
	policy  *policy.Policy
	kv      io.Closer
	rec     *recorder.Recorder
	appr    *approval.Service
	journal *recorder.Transcript
}

const corpusResource = "corpus"

func newCorpusGate(ctx context.Context, d connectors.Driver, columns []string) (_ *corpusGate, err error) {
	g := &corpusGate{driver: d}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	here := policy.Selector{Names: []string{corpusResource}}
	g.policy, err = policy.Compile(
		policy.Roles{{Name: "anyone", Groups: []string{"corpus"}, Resources: here, Rules: []policy.Rule{{Name: "all", Allow: []string{"read", "write", "ddl", "privilege", "dangerous", "unknown"}}}}},
		policy.Masking{{Name: "sensitive", Resources: here, Columns: columns}})
	if err != nil {
		return nil, fmt.Errorf("make the masks of the sensitive columns: %w", err)
	}
	if g.dir, err = os.MkdirTemp("", "sallyport-corpus-"); err != nil {
		return nil, fmt.Errorf("make a place for transcripts: %w", err)
	}
	kv, err := boltkv.Open(filepath.Join(g.dir, stateFile))
	if err != nil {
		return nil, err
	}
	g.kv = kv
	store, err := boltstore.Open(g.dir, boltstore.Options{})
	if err != nil {
		return nil, err
	}
	if g.rec, err = recorder.New(store, recorder.Options{}); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	g.appr = approval.New(kv, approval.Options{Record: func(context.Context, policy.Approval) error { return nil }})
	g.journal, err = g.rec.Begin(ctx, recorder.Header{Kind: "bastion", Action: "bastion"})
	return g, err
}

func (g *corpusGate) close() {
	if g.rec != nil {
		_ = g.rec.Close("done")
	}
	if g.kv != nil {
		_ = g.kv.Close()
	}
	if g.dir != "" {
		_ = os.RemoveAll(g.dir)
	}
}

type corpusSecret struct{ mask.Secret }

func (s corpusSecret) Get(context.Context) (mask.Secret, error) {
	return mask.NewSecret(append([]byte(nil), s.Reveal()...)), nil
}

// corpusAnswer is all that came back of a line.
type corpusAnswer struct {
	dump     string
	early    string // labels of results that failed
	evidence string // what the transcript keeps
	refused  bool
	note     string // the first refusal
	changed  bool
}

// run runs a line's messages in one session.
func (g *corpusGate) run(ctx context.Context, s corpusPlace, database string, l *leakLine) (*corpusAnswer, error) {
	e, secret := s.endpoint(database, l.Role)
	gate := session.New(session.Options{
		Drivers: []connectors.Driver{g.driver}, Recorder: g.rec, Approvals: g.appr, Journal: g.journal, Log: slog.New(slog.DiscardHandler),
		Rules: session.Rules{Policy: g.policy, Revision: "corpus", Targets: map[string]session.Target{corpusResource: {
			Resource: policy.Resource{Name: corpusResource, Kind: g.driver.Kind(), Revision: database}, Endpoint: e, Secret: corpusSecret{secret}, Masked: corpusSecret{secret}}}},
	})
	me := policy.Identity{Issuer: "sallyport", Subject: "corpus", Groups: []string{"corpus"}}
	sess, err := gate.Visit(session.Visitor{Identity: me, From: "127.0.0.1:0"}).Open(ctx, corpusResource, policy.ActionSQL, session.Screen{})
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	a := &corpusAnswer{}
	var d corpusDump
	for _, text := range l.steps() {
		f, err := g.step(ctx, sess, text, &d)
		if f.Class != policy.Read {
			a.changed = true
		}
		if why := declined(err); why != "" {
			a.refused = true
			if a.note == "" {
				a.note = why
			}
		}
	}
	if err := sess.Close(); err != nil {
		return nil, fmt.Errorf("close a session: %w", err)
	}
	events, err := g.rec.Read(ctx, sess.ID(), 0, 100_000)
	if err != nil {
		return nil, fmt.Errorf("read the transcript: %w", err)
	}
	var b strings.Builder
	for _, e := range events {
		b.Write(e.Data)
		b.WriteByte('\n')
	}
	a.dump, a.early, a.evidence = d.String(), d.early, b.String()
	return a, nil
}

// step runs one message and dumps its answer.
func (g *corpusGate) step(ctx context.Context, s *session.Session, text string, d *corpusDump) (policy.Facts, error) {
	_, f, err := s.Judge(ctx, text)
	if err != nil {
		return f, err
	}
	a, err := s.Run(ctx, text, nil)
	if err != nil {
		d.failed(err)
		return f, err
	}
	defer func() { _ = a.Close() }() // it has ended by then
	if !isCopy(text) {
		var names []string
		for _, c := range a.Columns() {
			names = append(names, c.Name)
		}
		d.columns(names)
	}
	for {
		rows, err := a.Batch(ctx, 500)
		for _, r := range rows {
			if isCopy(text) && len(r) == 1 {
				d.copied(r[0].Text)
				continue
			}
			d.cells(r)
		}
		for _, n := range a.Notices() {
			d.notice(n)
		}
		if errors.Is(err, io.EOF) {
			d.tag(a.Summary().Tag)
			return f, nil
		}
		if err != nil {
			d.failed(err)
			return f, err
		}
	}
}

// declined says why the gate, or the target in its place, did not run something,
// "" if it ran.
func declined(err error) string {
	var target *connectors.TargetError
	switch {
	case err == nil, errors.As(err, &target) && target.Code != insufficientPrivilege:
		return ""
	}
	return err.Error()
}

// insufficientPrivilege is how the target refuses.
const insufficientPrivilege = "42501"

// corpusDump writes an answer, the same way with and without the gate.
type corpusDump struct {
	strings.Builder
	// labels are those of a result that has shown neither a row nor its end. Where
	// it fails before, one protocol has named its columns and the other has not, so
	// that they are kept apart, in early.
	labels []string
	early  string
}

func (d *corpusDump) columns(names []string) { d.labels = names }

func (d *corpusDump) row(cells []string) {
	d.named()
	fmt.Fprintf(d, "%s\n", strings.Join(cells, "|"))
}

func (d *corpusDump) cells(r connectors.Row) {
	var cells []string
	for _, c := range r {
		if c.Null {
			c.Text = `\N`
		}
		cells = append(cells, c.Text)
	}
	d.row(cells)
}

func (d *corpusDump) tag(text string) {
	d.named()
	fmt.Fprintf(d, "TAG %s\n", text)
}

func (d *corpusDump) copied(line string) { fmt.Fprintf(d, "COPY %s\n", line) }
func (d *corpusDump) notice(text string) { fmt.Fprintf(d, "NOTICE %s\n", text) }

func (d *corpusDump) named() {
	if len(d.labels) > 0 {
		fmt.Fprintf(d, "COLS %s\n", strings.Join(d.labels, "|"))
	}
	d.labels = nil
}

func (d *corpusDump) failed(err error) {
	d.early += strings.Join(d.labels, "|") + "\n"
	d.labels = nil
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		fmt.Fprintf(d, "ERROR %s (%s)\n", pg.Message, pg.Code)
		return
	}
	fmt.Fprintf(d, "ERROR %v\n", err)
}

// results dumps what comes without the gate, as it comes: a result without rows
// has labels too.
func (d *corpusDump) results(m *pgconn.MultiResultReader) {
	for m.NextResult() {
		r := m.ResultReader()
		var names []string
		for _, f := range r.FieldDescriptions() {
			names = append(names, f.Name)
		}
		d.columns(names)
		for r.NextRow() {
			var cells []string
			for _, v := range r.Values() {
				text := string(v)
				if v == nil {
					text = `\N`
				}
				cells = append(cells, text)
			}
			d.row(cells)
		}
		if tag, err := r.Close(); err == nil {
			d.tag(tag.String())
		}
	}
	if err := m.Close(); err != nil {
		d.failed(err)
	}
}
