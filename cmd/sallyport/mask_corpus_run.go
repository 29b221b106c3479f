package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres"
	"github.com/sallyport/sallyport/connectors/sqlite"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// corpusRunner runs lines against clones of one or two databases.
type corpusRunner struct {
	a, b   corpusPlace // b is nil where there is no second database
	gate   *corpusGate
	driver corpusDriver
	// anyOrder is set where the gate may have a statement planned in another way.
	anyOrder bool
}

// corpusDriver is a driver as the runner uses it.
type corpusDriver interface {
	connectors.Driver
	connectors.Classifier
}

// corpusPlace is where databases are that a line may change.
type corpusPlace interface {
	database(ctx context.Context) (string, error)
	changed()
	pre(ctx context.Context, l *leakLine, database string) error
	endpoint(database, role string) (connectors.Endpoint, mask.Secret)
	raw(ctx context.Context, l *leakLine, database string) (string, error)
	close()
}

func newCorpusFiles(ctx context.Context, file, alt string, columns []string) (_ *corpusRunner, err error) {
	d := sqlite.New(sqlite.Options{})
	r := &corpusRunner{driver: d, anyOrder: true}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	a, err := newCorpusFile(file, d)
	if err != nil {
		return nil, err
	}
	r.a = a
	if alt != "" {
		b, err := newCorpusFile(alt, d)
		if err != nil {
			return nil, err
		}
		r.b = b
	}
	r.gate, err = newCorpusGate(ctx, d, columns)
	return r, err
}

func newCorpusRunner(ctx context.Context, url, alt string, columns []string) (_ *corpusRunner, err error) {
	r := &corpusRunner{driver: postgres.New(postgres.Options{})}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	var rules []mask.Rule
	for _, c := range columns {
		rules = append(rules, mask.Rule{Name: "sensitive", Column: c})
	}
	plan, err := mask.NewPlan(rules, nil)
	if err != nil {
		return nil, fmt.Errorf("make the masks of the sensitive columns: %w", err)
	}
	a, err := newCorpusServer(ctx, url, plan)
	if err != nil {
		return nil, err
	}
	r.a = a
	if alt != "" {
		b, err := newCorpusServer(ctx, alt, plan)
		if err != nil {
			return nil, err
		}
		r.b = b
	}
	r.gate, err = newCorpusGate(ctx, r.driver, columns)
	return r, err
}

func (r *corpusRunner) close() {
	if r.gate != nil {
		r.gate.close()
	}
	for _, s := range []corpusPlace{r.a, r.b} {
		if s != nil {
			s.close()
		}
	}
	if d, ok := r.driver.(io.Closer); ok {
		_ = d.Close() // workers that do not end are killed with this process
	}
}

// corpusOutcome is how a line ended: miss says what is wrong, "" if nothing is.
type corpusOutcome struct {
	miss    string
	refused bool
	note    string
}

func (o corpusOutcome) word() string {
	if o.refused {
		return "refused"
	}
	return "masked "
}

// all runs the lines and counts.
func (r *corpusRunner) all(ctx context.Context, lines []*leakLine, each func(*leakLine, corpusOutcome)) (*corpusScore, error) {
	s := &corpusScore{}
	for _, l := range lines {
		o, err := r.line(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", l.ID, err)
		}
		each(l, o)
		s.count(l, o)
	}
	return s, nil
}

func (s *corpusScore) count(l *leakLine, o corpusOutcome) {
	if o.miss == "" {
		s.passed++
	} else {
		s.failed++
	}
	if l.benign() {
		s.benign++
		if o.miss == "" {
			s.intact++
		}
		return
	}
	if o.refused {
		s.refused++
	} else {
		s.masked++
	}
	if l.Form == "clear" && (l.Channel == "row" || l.Channel == "") {
		s.clear++
		if !o.refused && o.miss == "" {
			s.answered++
		}
	}
}

func (r *corpusRunner) line(ctx context.Context, l *leakLine) (corpusOutcome, error) {
	if what := l.unoffered(); what != "" {
		return corpusOutcome{refused: true, note: "the gate does not offer " + what}, nil
	}
	here, err := r.through(ctx, r.a, l)
	if err != nil {
		return corpusOutcome{}, err
	}
	o := corpusOutcome{refused: here.refused, note: here.note}
	for _, leak := range l.Leaks {
		if strings.Contains(here.dump, leak) || strings.Contains(here.early, leak) || strings.Contains(here.evidence, leak) {
			o.miss = fmt.Sprintf("%q came back", leak)
			return o, nil
		}
	}
	switch {
	case l.benign():
		raw, err := r.raw(ctx, l)
		if err != nil {
			return o, err
		}
		if r.anyOrder {
			raw, here.dump = unordered(l, raw), unordered(l, here.dump)
		}
		if raw != here.dump {
			o.miss = "the answer differs:\n" + difference(raw, here.dump)
		}
	case l.Check == "noninterference":
		if r.b == nil {
			o.note = "not compared: there is no second database"
			if !o.refused {
				o.miss = o.note
			}
			return o, nil
		}
		there, err := r.through(ctx, r.b, l)
		if err != nil {
			return o, err
		}
		if a, b := here.dump+here.early, there.dump+there.early; a != b {
			o.miss = "it tells the two databases apart:\n" + difference(a, b)
		}
	}
	return o, nil
}

// difference shows the first line in which two dumps differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("  - %.200s\n  + %.200s", a, b)
		}
	}
	return ""
}

// through runs a line through the gate, on a database that earlier lines did not
// change.
func (r *corpusRunner) through(ctx context.Context, s corpusPlace, l *leakLine) (*corpusAnswer, error) {
	name, err := s.database(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.pre(ctx, l, name); err != nil {
		return nil, err
	}
	a, err := r.gate.run(ctx, s, name, l)
	if err == nil && (a.changed || len(l.Pre) > 0) {
		s.changed()
	}
	return a, err
}

// raw runs a line without the gate.
func (r *corpusRunner) raw(ctx context.Context, l *leakLine) (string, error) {
	name, err := r.a.database(ctx)
	if err != nil {
		return "", err
	}
	if err := r.a.pre(ctx, l, name); err != nil {
		return "", err
	}
	out, err := r.a.raw(ctx, l, name)
	for _, text := range l.steps() {
		if f, err := r.driver.Classify(ctx, text); err != nil || f.Class != policy.Read {
			r.a.changed()
		}
	}
	return out, err
}
