package recorder

import (
	"fmt"
	"strings"
	"time"
)

// ID names a transcript: sortable by start, unique, safe in a shell and a URL.
type ID string

// Kind is what an event is. The numbers are on disk: never reuse one.
type Kind uint8

const (
	KindStart     Kind = 1  // Header; always event 0
	KindEnd       Kind = 2  // End; always the last
	KindInput     Kind = 3  // raw bytes typed
	KindOutput    Kind = 4  // raw bytes shown, masked by the kept plan
	KindError     Kind = 5  // raw bytes shown on stderr, masked likewise
	KindResize    Kind = 6  // Resize
	KindKey       Kind = 7  // UTF-8: one key or a paste in a screen of ours, as typed ("a", "enter", "ctrl+j")
	KindOperation Kind = 8  // Operation: what was asked, as typed, with facts
	KindDecision  Kind = 9  // Decision: what the gate said
	KindApproval  Kind = 10 // policy.Approval as JSON: each change of one
	KindRows      Kind = 11 // Rows: a part of an answer
	KindOutcome   Kind = 12 // Outcome: how the operation ended
	KindNote      Kind = 13 // Note: a statement of the gate's own
	KindAdmin     Kind = 14 // Admin: sign-ins, replays, keys, configuration (bastion's own transcript)
	KindRun       Kind = 15 // Run: the operation is about to reach the target
	KindHidden    Kind = 16 // Hidden: keys that the target did not echo
	KindFile      Kind = 17 // File: what an operation moved of a file's content, when it is over
)

// Event is one thing that happened in a session. Data's form depends on Kind:
// raw bytes or the JSON of the payload type named there.
type Event struct {
	Seq  uint64
	At   time.Time // wall clock, UTC, nanoseconds
	Kind Kind
	Data []byte
}

// Header opens a transcript and is never changed afterwards.
type Header struct {
	ID       ID        `json:"id"`
	Started  time.Time `json:"started"`
	Identity Person    `json:"identity"`
	Resource string    `json:"resource"` // "" in the bastion's own
	Kind     string    `json:"kind"`     // the resource's kind; "bastion" for the bastion's own
	Action   string    `json:"action"`   // sql, exec, shell; "bastion"
	From     string    `json:"from"`     // the client's address
	Key      string    `json:"key,omitempty"`
	Term     string    `json:"term,omitempty"`
	Width    int       `json:"width,omitempty"`
	Height   int       `json:"height,omitempty"`
	Policy   string    `json:"policy,omitempty"` // the configuration's revision
	Bastion  string    `json:"bastion,omitempty"`
}

// Person is an identity as evidence keeps it.
type Person struct {
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	Email   string   `json:"email,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	// Claims are those of the token that policy may ask for; Method and SignedIn say
	// how and when the person proved themselves.
	Claims   map[string][]string `json:"claims,omitempty"`
	Method   string              `json:"method,omitempty"`
	SignedIn time.Time           `json:"signed_in,omitzero"`
}

// End closes a transcript.
type End struct {
	Reason string `json:"reason"` // closed, disconnected, ended by ..., interrupted, ...
	Exit   *int   `json:"exit,omitempty"`
}

// Resize is a change of the terminal's size.
type Resize struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Operation is what was asked. Op numbers the operations of a transcript from 1.
type Operation struct {
	Op     int    `json:"op"`
	Action string `json:"action"`
	Text   string `json:"text"`
	SHA256 string `json:"sha256"`
	Facts  any    `json:"facts,omitempty"`
	Login  string `json:"login,omitempty"`
	// Reads are the columns that a change was found to read.
	Reads any `json:"reads,omitempty"`
}

// Decision is what the gate said about an operation.
type Decision struct {
	Op     int      `json:"op"`
	Effect string   `json:"effect"`
	Rule   string   `json:"rule"`
	Reason string   `json:"reason,omitempty"`
	Masks  []string `json:"masks,omitempty"`
	// Estimate is how many rows the target's planner expected, where it was asked.
	Estimate *int64 `json:"estimate,omitempty"`
	// Approval is the id of the approval that the operation needs or used.
	Approval string `json:"approval,omitempty"`
	// Lent names what of the requester's the target may use while it runs.
	Lent []string `json:"lent,omitempty"`
}

// Run says that an operation is about to reach the target.
type Run struct {
	Op       int    `json:"op"`
	Approval string `json:"approval,omitempty"`
}

// Rows is a part of an answer as it was shown, but for cells that only the
// viewer's rights uncovered, which stay masked here. Columns is set in the
// first part. A null cell is null.
type Rows struct {
	Op      int         `json:"op"`
	Columns []RowColumn `json:"columns,omitempty"`
	Rows    [][]*string `json:"rows,omitempty"`
	Notice  string      `json:"notice,omitempty"`
	// Digest stands in place of what policy says is not to be kept.
	Digest *Digest `json:"digest,omitempty"`
}

// Digest stands for a part of an answer that was shown and is not kept. SHA256 is
// in hex: of rows, over the JSON of the Rows that would have been kept, masked
// alike; of output, over its masked bytes.
type Digest struct {
	Of     string `json:"of"` // rows, output, stderr
	Rows   int    `json:"rows,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// RowColumn is a column of an answer. Treatment is shown, masked or withheld.
type RowColumn struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"`
	Treatment string `json:"treatment"`
	Mask      string `json:"mask,omitempty"`
}

// Outcome is how an operation ended: ok, failed, refused or unknown.
type Outcome struct {
	Op       int    `json:"op"`
	State    string `json:"state"`
	Tag      string `json:"tag,omitempty"`
	Rows     int64  `json:"rows"`
	Affected int64  `json:"affected,omitempty"`
	Masked   int64  `json:"masked,omitempty"`
	Withheld int64  `json:"withheld,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
	Exit     *int   `json:"exit,omitempty"`
	Error    string `json:"error,omitempty"`
	// LookUps are the masked columns by which the operation chose rows.
	LookUps []LookUp `json:"lookups,omitempty"`
}

// LookUp is what an operation tried of a masked column, on a budget of values that
// one person may try on a resource within a time.
type LookUp struct {
	Column string `json:"column"`
	Mask   string `json:"mask"`
	Tried  int64  `json:"tried"`
	Spent  int64  `json:"spent"` // within the time, this operation's among them
	Left   int64  `json:"left"`
	Within string `json:"within,omitempty"`
}

// File is what an operation moved of a file's content. The content is not kept: its
// size and hash are.
type File struct {
	Op   int    `json:"op"`
	Path string `json:"path"` // the target's own
	// Read and Written are how many bytes were moved, those moved twice counted twice.
	Read    int64 `json:"read,omitempty"`
	Written int64 `json:"written,omitempty"`
	// Size is the file's when it was closed, -1 where the target did not say.
	Size int64 `json:"size"`
	// SHA256, in hex, is of what was moved from From on, in the order of the file, each
	// byte once; "" where it was not moved so, as Unordered says. Whole: that is all
	// that the file holds.
	From      int64  `json:"from,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Unordered bool   `json:"unordered,omitempty"`
	Whole     bool   `json:"whole,omitempty"`
	// Unexamined: it is no text, and the rule lets such content pass masks that look
	// into content.
	Unexamined bool `json:"unexamined,omitempty"`
	// Set are the attributes that were set while it was open.
	Set []string `json:"set,omitempty"`
}

// String is what was moved, in one line for people.
func (f File) String() string {
	var parts []string
	for _, way := range []struct {
		bytes int64
		done  string
	}{{f.Read, "read"}, {f.Written, "written"}} {
		if way.bytes > 0 {
			parts = append(parts, fmt.Sprintf("%d bytes %s", way.bytes, way.done))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing was moved"}
	}
	s := f.Path + ": " + strings.Join(parts, ", ")
	switch {
	case f.Whole:
		s += ", the whole file"
	case f.Unordered:
		s += ", in no order that a hash could be of"
	case f.From > 0:
		s += fmt.Sprintf(", a part of it, from byte %d on", f.From)
	default:
		s += ", a part of it"
	}
	if f.SHA256 != "" {
		s += ", SHA-256 " + f.SHA256
	}
	if f.Unexamined {
		s += ", no text, so masks did not look into it"
	}
	if len(f.Set) > 0 {
		s += ", set " + strings.Join(f.Set, " ")
	}
	return s
}

// String says it in a few words.
func (l LookUp) String() string {
	return fmt.Sprintf("%d tried of %s, %d left within %s", l.Tried, l.Column, l.Left, l.Within)
}

// Hidden stands for keys that were typed while the target did not echo: how many,
// and when each, in milliseconds after the first. See Echo.
type Hidden struct {
	Keys  int     `json:"keys"`
	Times []int64 `json:"ms,omitempty"`
}

// Note is a statement of the gate's own.
type Note struct {
	Text string `json:"text"`
}

// Admin is an act on the bastion itself: sign-in, sign-out, replay, key
// revoked, configuration loaded, session opened and closed.
type Admin struct {
	Act     string            `json:"act"`
	By      Person            `json:"by,omitzero"`
	From    string            `json:"from,omitempty"`
	Target  string            `json:"target,omitempty"`
	Details map[string]string `json:"details,omitempty"`
}
