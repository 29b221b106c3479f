package tui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Limits of a time line.
const (
	maxEntries   = 2000
	maxLineBytes = 4 << 20
	maxEntryRows = 50
	maxOwn       = 100
)

// timeline is the newest part of what happened in a session.
type timeline struct {
	entries []entry
	bytes   int
	dropped int
}

// entry is one thing that happened: immutable, raw, escaped when drawn.
type entry struct {
	at    time.Duration
	kind  recorder.Kind
	state string // for the sign: allow, deny, approve, ok, failed, ...
	label string
	text  string
	extra string
	own   []string // what the gate did besides, one thing after the other
	op    int
	cols  []recorder.RowColumn
	rows  [][]*string
	total int
	size  int
}

// add takes an event in. Keys typed one after the other, and the parts of one
// answer, become one entry.
func (t *timeline) add(at time.Duration, e *recorder.Event) {
	en, ok := newEntry(at, e)
	if !ok {
		return
	}
	if n := len(t.entries); n > 0 {
		last := t.entries[n-1]
		switch {
		case en.kind == recorder.KindKey && last.kind == en.kind && len(last.text) < 4096:
			last.text += en.text
			t.replace(last)
			return
		case en.ofGate() && last.ofGate() && len(last.own) < maxOwn:
			last.own = append(slices.Clone(last.own), en.text)
			t.replace(last)
			return
		case en.kind == recorder.KindRows && last.kind == en.kind && last.op == en.op && en.cols == nil && en.text == "":
			last.total += en.total
			room := max(0, maxEntryRows-len(last.rows))
			last.rows = append(slices.Clone(last.rows), en.rows[:min(room, len(en.rows))]...)
			t.replace(last)
			return
		}
	}
	en.size = en.weight()
	t.entries = append(t.entries, en)
	t.bytes += en.size
	for len(t.entries) > 1 && (len(t.entries) > maxEntries || t.bytes > maxLineBytes) {
		t.bytes -= t.entries[0].size
		t.entries = t.entries[1:]
		t.dropped++
	}
}

func (t *timeline) replace(en entry) {
	old := en.size
	en.size = en.weight()
	t.bytes += en.size - old
	t.entries[len(t.entries)-1] = en
}

// ofGate reports whether an entry is what the gate did by itself: a catalog is read
// by a dozen statements, and to whoever looks at a session they are one thing.
func (en *entry) ofGate() bool { return en.kind == recorder.KindNote && en.label == "gate" }

func (en *entry) weight() int {
	n := 200 + len(en.text) + len(en.extra)
	for _, s := range en.own {
		n += 16 + len(s)
	}
	for _, r := range en.rows {
		for _, c := range r {
			n += 16
			if c != nil {
				n += len(*c)
			}
		}
	}
	return n
}

// newEntry reads an event; what cannot be read says so.
func newEntry(at time.Duration, e *recorder.Event) (entry, bool) {
	en := entry{at: at, kind: e.Kind}
	var err error
	switch e.Kind {
	case recorder.KindKey:
		en.text = keyText(string(e.Data))
	case recorder.KindInput, recorder.KindOutput, recorder.KindError:
		en.label, en.text = "bytes", string(e.Data)
	case recorder.KindHidden:
		var p recorder.Hidden
		err = json.Unmarshal(e.Data, &p)
		en.label, en.text = "types", hiddenText(p)
	case recorder.KindStart:
		err = en.start(e.Data)
	case recorder.KindEnd:
		var p recorder.End
		err = json.Unmarshal(e.Data, &p)
		en.label, en.text = "ended", p.Reason
	case recorder.KindOperation:
		var p recorder.Operation
		err = json.Unmarshal(e.Data, &p)
		en.label, en.text, en.op = "asks", p.Text, p.Op
	case recorder.KindDecision:
		err = en.decision(e.Data)
	case recorder.KindApproval:
		err = en.approval(e.Data)
	case recorder.KindRows:
		err = en.answer(e.Data)
	case recorder.KindOutcome:
		err = en.outcome(e.Data)
	case recorder.KindFile:
		var p recorder.File
		err = json.Unmarshal(e.Data, &p)
		en.label, en.text, en.op = "moved", p.String(), p.Op
	case recorder.KindNote:
		var p recorder.Note
		err = json.Unmarshal(e.Data, &p)
		en.label, en.text = "gate", p.Text
	case recorder.KindAdmin:
		err = en.admin(e.Data)
	default:
		return en, false
	}
	if err == nil && e.Kind == recorder.KindRows && len(en.cols)+en.total+len(en.text) == 0 {
		return en, false // the empty answer of what has no rows
	}
	if err != nil {
		en = entry{at: at, kind: recorder.KindNote, label: "damaged", text: fmt.Sprintf("event %d cannot be read: %v", e.Seq, err)}
	}
	return en, true
}

// keyText is a recorded key as it is shown among others.
func keyText(k string) string {
	switch k {
	case "enter", "ctrl+j":
		return " [" + k + "] "
	case "space":
		return " "
	}
	if len([]rune(k)) == 1 {
		return k
	}
	if strings.HasPrefix(k, "ctrl+") || strings.HasPrefix(k, "alt+") || strings.HasPrefix(k, "shift+") || namedKeys[k] {
		return "[" + k + "]"
	}
	return k // a paste, as its text
}

var namedKeys = map[string]bool{
	"backspace": true, "tab": true, "esc": true, "up": true, "down": true, "left": true, "right": true, "home": true,
	"end": true, "pgup": true, "pgdown": true, "delete": true, "insert": true, "f1": true, "f2": true, "f5": true,
}

func (en *entry) start(b []byte) error {
	var p recorder.Header
	err := json.Unmarshal(b, &p)
	en.label = "opened"
	en.text = person(p) + " on " + p.Resource + " from " + p.From
	return err
}

func (en *entry) decision(b []byte) error {
	var p recorder.Decision
	err := json.Unmarshal(b, &p)
	en.label, en.state, en.op = "gate", p.Effect, p.Op
	en.text = map[string]string{"allow": "allowed", "deny": "denied", "approve": "needs approval"}[p.Effect] + " by rule " + p.Rule
	if p.Reason != "" {
		en.text += ": " + p.Reason
	}
	if len(p.Lent) > 0 {
		en.text += ", with " + strings.Join(p.Lent, " and ")
	}
	if len(p.Masks) > 0 {
		en.extra = "masks " + strings.Join(p.Masks, ", ")
	}
	return err
}

func (en *entry) approval(b []byte) error {
	var p policy.Approval
	err := json.Unmarshal(b, &p)
	en.label, en.state = "approval", string(p.State)
	en.text = p.ID + " " + string(p.State)
	if lent := p.Lent(); len(lent) > 0 {
		en.text += ", with " + strings.Join(lent, " and ")
	}
	if p.State == policy.ApprovalPending {
		en.text += `: "` + p.Reason + `"`
	}
	for _, v := range p.Votes {
		did := "approved"
		if !v.Yes {
			did = "denied"
		}
		en.extra = v.By.Display() + " " + did
		if v.Comment != "" {
			en.extra += `: "` + v.Comment + `"`
		}
	}
	return err
}

func (en *entry) answer(b []byte) error {
	var p recorder.Rows
	err := json.Unmarshal(b, &p)
	en.label, en.op, en.cols, en.total, en.text = "answer", p.Op, p.Columns, len(p.Rows), p.Notice
	en.rows = p.Rows[:min(len(p.Rows), maxEntryRows)]
	if d := p.Digest; d != nil {
		en.text = "kept as a digest: " + count(d.Bytes, "byte") + " of " + d.Of
		if d.Of == "rows" {
			en.text = "kept as a digest: " + count(int64(d.Rows), "row") + ", " + count(d.Bytes, "byte")
		}
		en.text += ", SHA-256 " + d.SHA256
	}
	return err
}

func (en *entry) outcome(b []byte) error {
	var p recorder.Outcome
	err := json.Unmarshal(b, &p)
	en.label, en.state, en.op = "outcome", p.State, p.Op
	var parts []string
	if !strings.HasPrefix(p.Error, p.State) {
		parts = append(parts, p.State)
	}
	if p.Tag != "" {
		parts = append(parts, p.Tag)
	}
	if p.Exit != nil && *p.Exit != 0 {
		parts = append(parts, fmt.Sprintf("exit %d", *p.Exit))
	}
	if p.Rows > 0 {
		parts = append(parts, count(p.Rows, "row"))
	}
	if p.Affected > 0 {
		parts = append(parts, count(p.Affected, "row")+" affected")
	}
	if p.Masked > 0 {
		parts = append(parts, count(p.Masked, "cell")+" masked")
	}
	if p.Withheld > 0 {
		parts = append(parts, count(p.Withheld, "cell")+" withheld")
	}
	for _, l := range p.LookUps {
		parts = append(parts, l.String())
	}
	if p.Error != "" {
		parts = append(parts, p.Error)
	}
	en.text = strings.Join(parts, ", ")
	return err
}

func (en *entry) admin(b []byte) error {
	var p recorder.Admin
	err := json.Unmarshal(b, &p)
	en.label, en.text = p.Act, p.By.Email+" "+p.Target
	if p.From != "" {
		en.text += " from " + p.From
	}
	var more []string
	for k, v := range p.Details {
		more = append(more, k+"="+v)
	}
	slices.Sort(more)
	en.extra = strings.Join(more, " ")
	return err
}
