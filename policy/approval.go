package policy

import "time"

// ApprovalState is where an approval stands.
//
//	pending → granted → executing → done | failed | unknown
//	pending → denied | expired | withdrawn; granted → expired
//
// An approval that was executing when the process died becomes unknown and is
// never run again.
type ApprovalState string

const (
	ApprovalPending   ApprovalState = "pending"
	ApprovalGranted   ApprovalState = "granted"
	ApprovalExecuting ApprovalState = "executing"
	ApprovalDone      ApprovalState = "done"
	ApprovalFailed    ApprovalState = "failed"
	ApprovalUnknown   ApprovalState = "unknown"
	ApprovalDenied    ApprovalState = "denied"
	ApprovalExpired   ApprovalState = "expired"
	ApprovalWithdrawn ApprovalState = "withdrawn"
)

// Vote is one person's word on an approval.
type Vote struct {
	By      Identity  `json:"by"`
	Yes     bool      `json:"yes"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// Approval is one request for a yes to one exact operation, and what became of it.
type Approval struct {
	ID        string        `json:"id"`
	State     ApprovalState `json:"state"`
	Requester Identity      `json:"requester"`
	Resource  Resource      `json:"resource"`
	Action    Action        `json:"action"`
	// Statement is the exact text that will run.
	Statement string `json:"statement"`
	// Cleartext are the masked columns that the requester wants to see in clear in
	// the answer, where that is what is asked for.
	Cleartext []string `json:"cleartext,omitempty"`
	// AgentForwarding and X11Forwarding say what of the requester's the shell or command
	// would use, as a part of what is asked for.
	AgentForwarding bool `json:"agent_forwarding,omitempty"`
	X11Forwarding   bool `json:"x11_forwarding,omitempty"`
	// Hash is the SHA-256, in hex, of the record that binds the approval to its
	// operation (see server/approval). A vote must carry the hash it saw.
	Hash  string `json:"hash"`
	Facts Facts  `json:"facts"`
	Rule  string `json:"rule"`
	// Why is what the rule says about asking.
	Why       string    `json:"why,omitempty"`
	Approvers []string  `json:"approvers"`
	Need      int       `json:"need"`
	Reason    string    `json:"reason"`
	From      string    `json:"from,omitempty"` // the requester's address
	Session   string    `json:"session"`        // the requester's transcript
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
	// Wait is how long a request may wait for its answer.
	Wait time.Duration `json:"wait"`
	// Lasts is how long a yes holds after it was given; 0 is as long as Wait.
	Lasts time.Duration `json:"lasts,omitempty"`
	Votes []Vote        `json:"votes,omitempty"`
}

// Over reports whether nothing can happen to the approval any more.
func (a Approval) Over() bool {
	switch a.State {
	case ApprovalPending, ApprovalGranted, ApprovalExecuting:
		return false
	}
	return true
}

// Lent names what of the requester's would be used, for people.
func (a Approval) Lent() []string { return lentWords(a.AgentForwarding, a.X11Forwarding) }
