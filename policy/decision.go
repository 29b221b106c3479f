package policy

import (
	"fmt"
	"strings"
	"time"
)

// Effect is what a decision says. The zero value denies.
type Effect uint8

const (
	Deny Effect = iota
	Approve
	Allow
)

// String returns deny, approve or allow.
func (e Effect) String() string { return [...]string{"deny", "approve", "allow"}[min(e, Allow)] }

// Request is what is to be judged: who asks what of which resource, when.
type Request struct {
	Identity Identity
	Resource Resource
	Action   Action
	Facts    Facts
	Session  Session
	Now      time.Time
}

// Decision is policy's answer to a Request. It always names the rule that made
// it; where no rule matched, Rule is DefaultDeny.
type Decision struct {
	Effect Effect `json:"effect"`
	Rule   string `json:"rule"`
	// Reason is a sentence for people: what the rule says about this operation.
	Reason string `json:"reason,omitempty"`
	// Approvers are the groups of which a member may say yes (Effect == Approve).
	Approvers []string `json:"approvers,omitempty"`
	// Need is how many distinct people must say yes; at least 1 with Approve.
	Need int `json:"need,omitempty"`
	// Wait is how long a request may wait for its answer, and a granted one for
	// its run.
	Wait time.Duration `json:"wait,omitempty"`
	// Lasts is how long a yes holds after it was given; 0: until Wait is over.
	Lasts time.Duration `json:"lasts,omitempty"`
	// ReasonRequired: a request without a reason is not sent to anybody.
	ReasonRequired bool `json:"reason_required,omitempty"`
	// Limits are the terms of this decision, to be tightened by the bastion's own.
	Limits Limits `json:"limits,omitzero"`
	// Results says what the transcript keeps of the answer.
	Results Keep `json:"results,omitempty"`
	// Binary says that the output of a command need not be text.
	Binary bool `json:"binary,omitempty"`
	// AgentForwarding and X11Forwarding say what of the requester's a shell or command
	// may use.
	AgentForwarding bool `json:"agent_forwarding,omitempty"`
	X11Forwarding   bool `json:"x11_forwarding,omitempty"`
}

// Lends reports whether the decision lets a shell or command use all of the
// requester's that the other one does.
func (d Decision) Lends(o Decision) bool {
	return (d.AgentForwarding || !o.AgentForwarding) && (d.X11Forwarding || !o.X11Forwarding)
}

// Lent names what a shell or command may use of the requester's, for people.
func (d Decision) Lent() []string { return lentWords(d.AgentForwarding, d.X11Forwarding) }

func lentWords(agent, x11 bool) []string {
	var all []string
	if agent {
		all = append(all, "agent forwarding")
	}
	if x11 {
		all = append(all, "X11 forwarding")
	}
	return all
}

// Keep says what a transcript keeps of answers. The zero value keeps all.
type Keep uint8

const (
	KeepFull   Keep = iota // rows and output, masked
	KeepDigest             // counts, and a SHA-256 of each chunk
)

// String returns full or digest.
func (k Keep) String() string { return [...]string{"full", "digest"}[min(k, KeepDigest)] }

// MarshalText writes full or digest.
func (k Keep) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Keep) UnmarshalText(b []byte) error {
	for _, known := range []Keep{KeepFull, KeepDigest} {
		if known.String() == string(b) {
			*k = known
			return nil
		}
	}
	return fmt.Errorf("%q is neither full nor digest", b)
}

// DefaultDeny is the name of the rule that decides where no rule matches.
const DefaultDeny = "default deny"

// MaskRule is a mask as policy hands it on: which column of which table or which
// path, by which method, from which mask of the configuration.
type MaskRule struct {
	Name   string `json:"name"`
	Column string `json:"column,omitempty"` // [schema.]table.column, * as a glob within a part
	Path   string `json:"path,omitempty"`   // or a place in JSON documents
	Method string `json:"method"`
	// Predicates says what may be asked about the column without seeing it: deny,
	// equality or allow.
	Predicates string `json:"predicates,omitempty"`
	// Budget is how many values of the column a person may try Within a time where
	// Predicates permits that; 0 is any number.
	Budget int64         `json:"budget,omitempty"`
	Within time.Duration `json:"within,omitempty"`
	// Rows bounds answers that show the column or are chosen by it; 0 is any number.
	Rows int64 `json:"rows,omitempty"`
	// Group is the least number of rows that an answer chosen by it is about; 0 is
	// none.
	Group int64 `json:"group,omitempty"`
}

// What is the column pattern or path, for people.
func (r MaskRule) What() string { return r.Column + r.Path }

// Masks are the two plans of a resource for one person: what is hidden from
// this person, and what is hidden from the transcript (the strictest, whoever
// looks). Detect names the content detectors that run on what is left.
type Masks struct {
	Seen, Kept             []MaskRule
	SeenDetect, KeptDetect []string
}

// Refusal is the error with which a denied, expired or withdrawn operation
// ends. It is made to be shown: it holds no secret and names the rule.
type Refusal struct {
	Rule   string
	Reason string
	Hint   string
	// By and Comment are set where a person refused.
	By, Comment string
	// ApprovalID is set where an approval was involved.
	ApprovalID string
}

// Error says what was refused, by which rule or person.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString("refused")
	switch {
	case r.By != "":
		b.WriteString(" by " + r.By)
	case r.Rule != "":
		b.WriteString(" by rule " + r.Rule)
	}
	if r.Reason != "" {
		b.WriteString(": " + r.Reason)
	}
	if r.Comment != "" {
		b.WriteString(": " + r.Comment)
	}
	return b.String()
}

// ApprovalNeeded is the error with which an operation ends that must be
// approved first and came without a reason to ask with: nothing was requested
// yet. Ask again with a reason.
type ApprovalNeeded struct {
	Decision Decision
	Facts    Facts
}

// Error names the rule and the groups that can approve.
func (a *ApprovalNeeded) Error() string {
	return "needs approval from " + strings.Join(a.Decision.Approvers, " or ") + " (rule " + a.Decision.Rule + ")"
}
