package export

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// Operation is one operation with all that is on record of it.
type Operation struct {
	Transcript recorder.ID         `json:"transcript"`
	Event      uint64              `json:"event"`
	At         time.Time           `json:"at"`
	Person     recorder.Person     `json:"person"`
	From       string              `json:"from,omitempty"`
	Resource   string              `json:"resource"`
	Kind       string              `json:"kind"`
	Operation  recorder.Operation  `json:"operation"`
	Decisions  []recorder.Decision `json:"decisions,omitempty"`
	Ran        *time.Time          `json:"ran,omitempty"`
	Ended      *time.Time          `json:"ended,omitempty"`
	// Moved is what was moved of a file.
	Moved   *recorder.File    `json:"moved,omitempty"`
	Outcome *recorder.Outcome `json:"outcome,omitempty"`
}

// Operations writes a line of JSON for each operation, in the order in which they
// ended; those without an outcome come last. JSON escapes control characters but
// U+0080 to U+009F and the marks of direction.
func Operations(w io.Writer, h recorder.Head, events Events) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err := EachOperation(h, events, func(o Operation) error { return enc.Encode(o) })
	if err != nil {
		return fmt.Errorf("export %q: %w", h.ID, err)
	}
	return nil
}

// EachOperation calls f with each operation of a transcript.
func EachOperation(h recorder.Head, events Events, f func(Operation) error) error {
	open := map[int]*Operation{}
	var order []int
	for e, err := range events {
		if err != nil {
			return err
		}
		n, err := collect(h, e, open)
		if err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
		o := open[n]
		switch {
		case o == nil:
		case e.Kind == recorder.KindOperation:
			order = append(order, n)
		case e.Kind == recorder.KindOutcome:
			delete(open, n)
			if err := f(*o); err != nil {
				return err
			}
		}
	}
	for _, n := range order {
		if o := open[n]; o != nil {
			if err := f(*o); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect puts what an event says into its operation and returns its number.
func collect(h recorder.Head, e recorder.Event, open map[int]*Operation) (int, error) {
	switch e.Kind {
	case recorder.KindOperation:
		o := &Operation{Transcript: h.ID, Event: e.Seq, At: e.At, Person: h.Header.Identity, From: h.Header.From,
			Resource: h.Header.Resource, Kind: h.Header.Kind}
		err := json.Unmarshal(e.Data, &o.Operation)
		open[o.Operation.Op] = o
		return o.Operation.Op, err
	case recorder.KindDecision:
		var d recorder.Decision
		err := json.Unmarshal(e.Data, &d)
		if o := open[d.Op]; o != nil {
			o.Decisions = append(o.Decisions, d)
		}
		return d.Op, err
	case recorder.KindRun:
		var r recorder.Run
		err := json.Unmarshal(e.Data, &r)
		if o := open[r.Op]; o != nil {
			o.Ran = &e.At
		}
		return r.Op, err
	case recorder.KindFile:
		var f recorder.File
		err := json.Unmarshal(e.Data, &f)
		if o := open[f.Op]; o != nil {
			o.Moved = &f
		}
		return f.Op, err
	case recorder.KindOutcome:
		var x recorder.Outcome
		err := json.Unmarshal(e.Data, &x)
		if o := open[x.Op]; o != nil {
			o.Outcome, o.Ended = &x, &e.At
		}
		return x.Op, err
	}
	return 0, nil
}
