package tui

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Door is what the sign-in page talks to. Its methods may block and are called
// from commands only.
type Door interface {
	// SignIn starts a device authorization (RFC 8628). Errors are for people.
	SignIn(ctx context.Context) (SignIn, error)
	// Wait returns when the person has approved, or with an error that says why
	// not: policy words like denied, expired. remember says whether the SSH key
	// offered at this connection may open the door next time.
	Wait(ctx context.Context, s SignIn, remember func() bool) (Backend, error)
}

// SignIn is a device authorization that waits for its person.
type SignIn struct {
	URL         string // verification_uri: to open by hand and type the code
	CompleteURL string // verification_uri_complete: for the QR and the link; may be ""
	Code        string // XXXX-XXXX
	Expires     time.Time
	From        string        // where this connection comes from
	Key         string        // fingerprint of the SSH key, "" without one
	Remember    time.Duration // how long a key is remembered; 0: never
}

// Backend is everything behind the face, for one signed-in person on one
// connection. All methods may block, are called from commands only, and are
// safe for concurrent use. Errors are shown as they are.
type Backend interface {
	Identity() policy.Identity
	// Resources lists what this person may open, by name.
	Resources(ctx context.Context) ([]Listing, error)
	// Open opens a session on a database (kinds with the power "sql").
	Open(ctx context.Context, resource string) (Workspace, error)
	Approvals
	Archive
}

// Approvals is the approver's and the requester's desk.
type Approvals interface {
	// Approvals lists what this person may decide on and what is their own, newest
	// first; pending ones first.
	Approvals(ctx context.Context) ([]policy.Approval, error)
	// Vote says yes or no to the approval as it was seen (hash).
	Vote(ctx context.Context, id, hash string, yes bool, comment string) error
	// Changed returns a channel that is signalled after approvals changed; closed with ctx.
	Changed(ctx context.Context) <-chan struct{}
}

// Archive is the transcripts that this person may see.
type Archive interface {
	// Transcripts lists them, newest first.
	Transcripts(ctx context.Context) ([]recorder.Head, error)
	// Replay opens one; opening someone else's is itself recorded. Errors:
	// ReasonNeeded.
	Replay(ctx context.Context, id recorder.ID, l Look) (Player, error)
	// Search finds text in them; what is found in someone else's is recorded.
	Search(ctx context.Context, q Query) (Found, error)
	// End ends a live session, with the reason that its person reads.
	End(ctx context.Context, id recorder.ID, why string) error
}

// Look is how a transcript is looked at.
type Look struct {
	Watch  bool // as it goes on
	Reason string
}

// ReasonNeeded is an error that a reason would avoid: its text says who asks.
type ReasonNeeded interface {
	error
	NeedsReason()
}

// Hit is one place in a transcript. Before, Match and After are text around it.
type Hit struct {
	ID                     recorder.ID
	Event                  uint64
	At                     time.Time
	Person, Resource, What string
	Verdict, Rule          string
	Before, Match, After   string
}

// Found is what a search finds.
type Found struct {
	Hits []Hit
	// Behind: the newest may be missing. Withheld is how many transcripts match
	// that need a reason. Reason is the one that was given.
	Behind   bool
	Withheld int
	Reason   string
}

// Player reads a transcript's events in order.
type Player interface {
	Head() recorder.Head
	// Events returns up to max events from number from on; none at the end, or at
	// what is recorded by now of a session that goes on.
	Events(ctx context.Context, from uint64, max int) ([]recorder.Event, error)
	// Verify follows the chain and compares it with the signed log.
	Verify(ctx context.Context) (Integrity, error)
	// Note puts a note to a moment (m:ss) on record.
	Note(ctx context.Context, at, text string) error
}

// Seeker is the power of a Player to go to a moment without what came before it.
type Seeker interface {
	// Seek returns the number of the first event that did not happen before the time.
	Seek(ctx context.Context, at time.Time) (uint64, error)
	// Snapshot returns the newest state of the screen at or before an event, a
	// widget.Screen's; false where there is none yet.
	Snapshot(ctx context.Context, before uint64) (recorder.Snapshot, bool)
}

// Integrity is how far a transcript is proved to be what was recorded.
type Integrity struct {
	// Events are in the chain; Signed of them are under a signature of the log.
	Events, Signed uint64
	// Broken says what is wrong at event At, "" for nothing.
	Broken string
	At     uint64
}

// Listing is a resource in the picker.
type Listing struct {
	policy.Resource
	Description string
	// Power is what enter does: "sql", "shell", "http", "command" or "cluster" (with a
	// Backend that has Clusters).
	Power string
	// Unavailable says why it cannot be opened just now, "" if it can.
	Unavailable string
	// Rights are lines for the preview: what this person may do there.
	Rights []policy.Right
	// Masks are the columns hidden from this person, by mask.
	Masks []policy.MaskRule
	// Detect are the content detectors that run on the rest.
	Detect []string
	// Sessions are this person's last sessions there, newest first.
	Sessions []recorder.Head
}

// Workspace is one open session on a database.
type Workspace interface {
	// ID names the session's transcript.
	ID() recorder.ID
	Catalog(ctx context.Context) ([]connectors.Relation, error)
	// Judge says what the gate would do with the text, without running anything.
	Judge(ctx context.Context, text string) (policy.Decision, policy.Facts, error)
	// Explain is Judge with how it comes about.
	Explain(ctx context.Context, text string) (Why, error)
	// Unmasking tells who may see what a mask of this column pattern hides.
	Unmasking(ctx context.Context, pattern string) (Unmasking, error)
	// Run runs one statement. With ask nil, an operation that needs approval ends
	// at once with *policy.ApprovalNeeded. With ask, it is requested with ask.Reason,
	// ask.Waiting is told of the approval (from another goroutine), and Run returns
	// when it ran or was refused (*policy.Refusal).
	Run(ctx context.Context, text string, ask *Ask) (Answer, error)
	// Key records a key or a paste typed in the workspace. It returns at once
	// unless the recorder is behind.
	Key(k string) error
	// Ended is closed when the session was ended from behind: the recorder failed,
	// the right was lost, the target vanished. Err then says why.
	Ended() <-chan struct{}
	Err() error
	Close() error
}

// Ask is a request for approval.
type Ask struct {
	Reason  string
	Waiting func(policy.Approval)
	// Unmask names masked columns to see in clear in this one answer.
	Unmask []string
	// Later requests nothing: where a yes is needed, *policy.ApprovalNeeded says so.
	Later bool
}

// Unmasking is how a masked column could be seen in clear.
type Unmasking struct {
	// Roles are those that may always see it, each with whom it is for.
	Roles []string
	// Decision is what would be said if this person asked for it.
	Decision policy.Decision
}

// Answer is a streaming result; *connectors.Result is one.
type Answer interface {
	Columns() []connectors.Column
	Batch(ctx context.Context, n int) ([]connectors.Row, error)
	Summary() connectors.Summary
	Notices() []string
	Close() error
}

// Cutter is the power of an Answer to say what ended it early: "rule x/y".
type Cutter interface{ CutBy() string }

var _ Answer = (*connectors.Result)(nil)
