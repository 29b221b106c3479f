package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// maxText bounds a text of people in a line, in bytes: a line must fit a datagram.
const maxText = 16 << 10

// Line is one event as sinks are told it. What does not apply is left out.
type Line struct {
	ID         string      `json:"id"` // transcript/number of the event
	Time       time.Time   `json:"time"`
	Event      string      `json:"event"`
	Bastion    string      `json:"bastion,omitempty"`
	Transcript recorder.ID `json:"transcript"`
	Seq        uint64      `json:"seq"`
	Person     *Person     `json:"person,omitempty"`
	From       string      `json:"from,omitempty"`
	Resource   string      `json:"resource,omitempty"`
	Kind       string      `json:"kind,omitempty"`

	Op       int               `json:"op,omitempty"`
	Action   string            `json:"action,omitempty"`
	Class    string            `json:"class,omitempty"`
	SHA256   string            `json:"sha256,omitempty"`
	Text     string            `json:"statement,omitempty"`
	Effect   string            `json:"effect,omitempty"`
	Rule     string            `json:"rule,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Masks    []string          `json:"masks,omitempty"`
	Approval string            `json:"approval,omitempty"`
	Lent     []string          `json:"lent,omitempty"`
	State    string            `json:"state,omitempty"`
	Votes    []Vote            `json:"votes,omitempty"`
	Rows     *int64            `json:"rows,omitempty"`
	Affected int64             `json:"affected,omitempty"`
	Masked   int64             `json:"masked,omitempty"`
	Withheld int64             `json:"withheld,omitempty"`
	LookUps  []recorder.LookUp `json:"lookups,omitempty"`
	Exit     *int              `json:"exit,omitempty"`
	Act      string            `json:"act,omitempty"`
	Target   string            `json:"target,omitempty"`
	Details  map[string]string `json:"details,omitempty"`
	// Until is the event after the last that a gap stands for.
	Until uint64 `json:"until,omitempty"`

	encoded []byte // with a newline
}

// Person is who did it.
type Person struct {
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub,omitempty"`
	Email   string `json:"email,omitempty"`
}

// Vote is one person's word on an approval.
type Vote struct {
	Person
	Yes bool `json:"yes"`
}

// told says whether events of the kind are.
func told(k recorder.Kind) bool {
	switch k {
	case recorder.KindStart, recorder.KindEnd, recorder.KindOperation, recorder.KindDecision, recorder.KindApproval,
		recorder.KindOutcome, recorder.KindFile, recorder.KindAdmin:
		return true
	}
	return false
}

// line makes the line of an event; false where the event is not told.
func line(h recorder.Head, e recorder.Event, statements bool) (Line, bool) {
	if !told(e.Kind) {
		return Line{}, false
	}
	p := h.Header
	l := Line{ID: fmt.Sprintf("%s/%d", h.ID, e.Seq), Time: e.At, Transcript: h.ID, Seq: e.Seq, Bastion: p.Bastion,
		Person: person(p.Identity), From: p.From, Resource: p.Resource, Kind: p.Kind}
	if err := l.fill(e, statements); err != nil {
		l.Event, l.Reason = "undecodable", fmt.Sprintf("event of kind %d", e.Kind)
	}
	return l.encode(), true
}

func person(p recorder.Person) *Person { return &Person{p.Issuer, p.Subject, p.Email} }

// fill puts in what may be told of a payload: field by field, so that what is
// added to payloads is not told by accident.
func (l *Line) fill(e recorder.Event, statements bool) error {
	switch e.Kind {
	case recorder.KindStart:
		var h recorder.Header
		err := json.Unmarshal(e.Data, &h)
		l.Event, l.Action = "session opened", h.Action
		return err
	case recorder.KindEnd:
		var n recorder.End
		err := json.Unmarshal(e.Data, &n)
		l.Event, l.Reason, l.Exit = "session closed", cut(n.Reason), n.Exit
		return err
	case recorder.KindOperation:
		return l.operation(e.Data, statements)
	case recorder.KindDecision:
		var d recorder.Decision
		err := json.Unmarshal(e.Data, &d)
		l.Event, l.Op, l.Effect, l.Rule, l.Reason, l.Masks, l.Approval = "decision", d.Op, d.Effect, d.Rule, cut(d.Reason), d.Masks, d.Approval
		l.Lent = d.Lent
		return err
	case recorder.KindApproval:
		return l.approval(e.Data, statements)
	case recorder.KindFile:
		return l.file(e.Data, statements)
	case recorder.KindOutcome:
		var o recorder.Outcome // its error stays: targets quote values in theirs
		err := json.Unmarshal(e.Data, &o)
		l.Event, l.Op, l.State, l.Rows, l.Affected, l.Masked, l.Withheld, l.Exit = "outcome", o.Op, o.State, &o.Rows, o.Affected, o.Masked, o.Withheld, o.Exit
		l.LookUps = o.LookUps
		return err
	}
	var a recorder.Admin
	err := json.Unmarshal(e.Data, &a)
	l.Event, l.Act, l.Target, l.From = "admin", a.Act, a.Target, a.From
	if a.By.Subject != "" {
		l.Person = person(a.By)
	}
	l.Details = map[string]string{}
	for k, v := range a.Details {
		l.Details[k] = cut(v)
	}
	return err
}

func (l *Line) operation(data []byte, statements bool) error {
	var o recorder.Operation
	err := json.Unmarshal(data, &o)
	l.Event, l.Op, l.Action, l.SHA256 = "operation", o.Op, o.Action, o.SHA256
	if facts, ok := o.Facts.(map[string]any); ok {
		l.Class, _ = facts["class"].(string)
	}
	if statements {
		l.Text = cut(o.Text)
	}
	return err
}

// file tells how much was moved of a file, and its hash; which file it was is a part of
// the statement.
func (l *Line) file(data []byte, statements bool) error {
	var f recorder.File
	err := json.Unmarshal(data, &f)
	l.Event, l.Op, l.SHA256 = "file", f.Op, f.SHA256
	l.Details = map[string]string{"read": fmt.Sprint(f.Read), "written": fmt.Sprint(f.Written), "whole": fmt.Sprint(f.Whole)}
	if statements {
		l.Target = cut(f.Path)
	}
	return err
}

func (l *Line) approval(data []byte, statements bool) error {
	var a struct { // of policy.Approval
		ID, State, Action, Statement, Hash, Rule, Reason, Session string
		Resource                                                  struct{ Name, Kind string }
		Requester                                                 Person
		Votes                                                     []struct {
			By  Person
			Yes bool
		}
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return err
	}
	l.Event, l.Approval, l.State, l.Action, l.Rule, l.Reason = "approval", a.ID, a.State, a.Action, a.Rule, cut(a.Reason)
	l.Details = map[string]string{"binding": a.Hash}
	l.Person, l.Resource, l.Kind, l.Target = &a.Requester, a.Resource.Name, a.Resource.Kind, a.Session
	for _, v := range a.Votes {
		l.Votes = append(l.Votes, Vote{v.By, v.Yes})
	}
	if statements {
		l.Text = cut(a.Statement)
	}
	return nil
}

// gap stands for events that cannot be told.
func gap(id recorder.ID, from, until uint64, why string) Line {
	return Line{ID: fmt.Sprintf("%s/%d", id, from), Time: time.Now().UTC(), Event: "gap", Transcript: id, Seq: from, Until: until, Reason: why}.encode()
}

func (l Line) encode() Line {
	b, err := json.Marshal(l)
	if err != nil { // it has no type that does not encode
		b = fmt.Appendf(nil, `{"id":%q,"event":"undecodable"}`, l.ID)
	}
	l.encoded = append(b, '\n')
	return l
}

// cut bounds a text.
func cut(s string) string {
	if len(s) <= maxText {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:maxText], "") + "..."
}
