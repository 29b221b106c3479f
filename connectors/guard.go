package connectors

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Operation is the one thing asked, with what parsing it told.
type Operation struct {
	Action policy.Action
	Text   string // exactly what will be sent
	// Kept stands for Text where people see it and transcripts keep it, where Text
	// itself holds values that neither may; "" is Text. Approvals bind to Text.
	Kept  string
	Facts policy.Facts
	// Within is what names without one are looked for in, where a session can change it:
	// the same text is another operation elsewhere. Approvals bind to it.
	Within string
	// Unsaid is what the operation depends on that neither its text nor Within tells: a
	// variable of the session, "" for nothing. Nobody is asked to approve such a one.
	Unsaid string
	// Login is the upstream user that will run it.
	Login string
	// Reads are the columns that an operation which changes something reads, where
	// the kind can tell: their values may end up elsewhere. The driver refuses it
	// once permitted if MaskedRead finds one; a guard may do so before it asks
	// people.
	Reads []mask.Column
	// Estimate asks the target's planner how many rows the operation would touch,
	// for people who are to approve it; nil where the kind cannot tell. It may be
	// called within Check only, and an error is no reason to refuse.
	Estimate func(ctx context.Context) (int64, error)
	// Trace is what the kind can tell of values. The driver refuses the operation
	// once permitted if Trace.Refusal says so; a guard may do so before it asks
	// people.
	Trace *Trace
	// Borrows is what it asks to use of the requester's.
	Borrows Borrows
	// Cleartext names masked columns that the requester asks to see in clear. A driver
	// leaves it empty: a guard knows.
	Cleartext []string
}

// Shown is the text as people see it and transcripts keep it.
func (o Operation) Shown() string {
	if o.Kept != "" {
		return o.Kept
	}
	return o.Text
}

// MaskedRead returns the first of the columns that the plan masks.
func MaskedRead(p *mask.Plan, reads []mask.Column) (mask.Column, bool) {
	for _, c := range reads {
		if _, ok := p.Column(c); ok {
			return c, true
		}
	}
	return mask.Column{}, false
}

// Guard is the gate as a driver sees it.
type Guard interface {
	// Check decides on op and waits for an approval where one is needed. Only when
	// it returns a Permit may any byte of op reach the target; the decision, and
	// that the operation starts, are durable by then. Its errors are for the
	// requester and are returned by the driver as they are.
	Check(ctx context.Context, op Operation) (Permit, error)
	// Note records a statement of the gate's own (a catalog read, a SET) before it
	// is sent. An error means that it must not be sent.
	Note(ctx context.Context, text string) error
}

// Masker is a Guard that tells the two plans of the resource before anything is
// asked: a driver that must choose a login by them asks first. The Permit's plans
// are what counts in the end.
type Masker interface {
	Masks() (seen, kept *mask.Plan, err error)
}

// Permit is leave to run one operation, once. Done must be called exactly once.
type Permit interface {
	// Seen and Kept are the two plans: what the requester may see of the answer,
	// and what the transcript may keep of it. Neither is nil.
	Seen() *mask.Plan
	Kept() *mask.Plan
	Terms() Terms
	// Observe records a part of the answer, masked by Kept. It must return nil
	// before the part is handed on; an error ends the operation.
	Observe(ctx context.Context, c Chunk) error
	// Stdio returns the streams that a driver connects to a target in place of the
	// requester's own: input is recorded before it is read from them, output is
	// masked, recorded and then written. flush writes what masking still holds
	// back; call it when the target's output has ended.
	Stdio(raw Stdio) (guarded Stdio, flush func() error)
	// Reply returns what takes the answer to a request in place of w: head and body
	// are masked, recorded, and handed on as they come. The body is masked by what
	// the head says that it is, see Body; more are paths that the kind masks whoever
	// looks. Of a body that is no text nothing passes unless the rule allows binary.
	// flush writes what masking still holds back; call it when the body has ended.
	Reply(w ResponseWriter, more []mask.PathRule) (guarded ResponseWriter, flush func() error)
	// Done records how the operation ended.
	Done(o Outcome)
}

// Terms are the limits under which an operation runs.
type Terms struct {
	// ReadOnly is set where the operation was judged a read: it runs in a read-only
	// transaction or the target's equal.
	ReadOnly bool
	// Timeout bounds the operation at the target; 0 is none.
	Timeout time.Duration
	// MaxRows bounds the answer; 0 is none. Result.Summary says when it cut.
	MaxRows int64
	// MaxBytes bounds the values of the answer; 0 is none.
	MaxBytes int64
	// MaxStream bounds what comes back through a forward, in bytes; 0 is none. Other
	// streams are bounded by what Permit.Stdio returns.
	MaxStream int64
	// Borrows is what of the requester's the operation may use, by the rule of this name.
	Borrows Borrows
	Rule    string
}

// Chunk is a part of an answer as the transcript keeps it.
type Chunk struct {
	// Columns is set in the first chunk of an answer with rows.
	Columns []Column
	Rows    []Row
	// Notice is a message of the target beside the rows, already masked.
	Notice string
}

// Outcome is how an operation ended.
type Outcome struct {
	// Err is what the requester was told, as the transcript may keep it; nil for
	// success.
	Err error
	// Unknown is set where it cannot be told whether the target ran it (the
	// connection vanished in between).
	Unknown bool
	Tag     string
	Rows    int64
	// Masked and Withheld count cells as the requester saw them.
	Masked, Withheld int64
	// Affected is how many rows were changed, -1 where the target does not say.
	Affected int64
	// Exit is set for commands and shells.
	Exit *Exit
	// File is set where an operation may have moved a file's content.
	File *Transfer
}
