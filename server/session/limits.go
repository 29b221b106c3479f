package session

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// bound is a limit and the rule that sets it.
type bound[T int | int64 | time.Duration] struct {
	most T
	rule string
}

// tighten lowers the limit to another one; 0 is none.
func (b *bound[T]) tighten(most T, rule string) {
	if most > 0 && (b.most <= 0 || most < b.most) {
		b.most, b.rule = most, rule
	}
}

// bastionLimit stands for a rule where the limit is the bastion's own.
const bastionLimit = "limits"

// lease is how long a session may live: for ever, unless a rule says otherwise.
// The tightest of the rule that opened it and of those that allowed its
// operations counts. It is safe for concurrent use.
type lease struct {
	now    func() time.Time
	opened time.Time
	// tightened is signalled when a limit was.
	tightened chan struct{}

	mu   sync.Mutex
	base []policy.Decision // what opens it, by the rules that hold now
	asks []policy.Decision
	used time.Time // when something was last asked or typed
	busy int       // calls that wait for the target or for an approval
}

func newLease(now func() time.Time, opened time.Time) *lease {
	return &lease{now: now, opened: opened, used: opened, tightened: make(chan struct{}, 1)}
}

// rest sets what opening the session is limited to.
func (l *lease) rest(of []policy.Decision) {
	l.mu.Lock()
	l.base = of
	l.mu.Unlock()
	l.wake()
}

// add tightens the session by what allowed one of its operations.
func (l *lease) add(d policy.Decision) {
	if d.Limits.Session <= 0 && d.Limits.Idle <= 0 {
		return
	}
	l.mu.Lock()
	known := false
	for _, a := range l.asks {
		known = known || a.Rule == d.Rule && a.Limits == d.Limits
	}
	if !known {
		l.asks = append(l.asks, policy.Decision{Rule: d.Rule, Limits: d.Limits})
	}
	l.mu.Unlock()
	l.wake()
}

func (l *lease) wake() {
	select {
	case l.tightened <- struct{}{}:
	default:
	}
}

// touch says that something was asked or typed.
func (l *lease) touch() {
	l.mu.Lock()
	l.used = l.now()
	l.mu.Unlock()
}

// work says that a call is on its way until the returned function is called: who
// waits for an answer is not idle.
func (l *lease) work() func() {
	l.mu.Lock()
	l.busy++
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.busy--
		l.used = l.now()
		l.mu.Unlock()
		l.wake()
	}
}

// left is how long the session may still go on, and why it is over if it is. It
// is at most the longest that anybody wants to wait.
func (l *lease) left(longest time.Duration) (time.Duration, *policy.Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var life, idle bound[time.Duration]
	for _, d := range slices.Concat(l.base, l.asks) {
		life.tighten(d.Limits.Session, d.Rule)
		idle.tighten(d.Limits.Idle, d.Rule)
	}
	now, left := l.now(), longest
	if life.most > 0 {
		if now.Sub(l.opened) >= life.most {
			return 0, &policy.Refusal{Rule: life.rule, Hint: "open it again",
				Reason: fmt.Sprintf("the session has lasted %s, the longest that it may", life.most)}
		}
		left = min(left, life.most-now.Sub(l.opened))
	}
	if idle.most > 0 && l.busy == 0 {
		if now.Sub(l.used) >= idle.most {
			return 0, &policy.Refusal{Rule: idle.rule, Hint: "open it again",
				Reason: fmt.Sprintf("nothing was asked or typed for %s, the longest that may pass", idle.most)}
		}
		left = min(left, idle.most-now.Sub(l.used))
	}
	return left, nil
}

// crowded refuses one more session of a person on a resource. have is how many
// there are.
func crowded(res string, have int, of ...policy.Decision) *policy.Refusal {
	var most bound[int]
	for _, d := range of {
		most.tighten(d.Limits.Sessions, d.Rule)
	}
	if most.most == 0 || have < most.most {
		return nil
	}
	many := fmt.Sprintf("%d sessions", have)
	if have == 1 {
		many = "a session"
	}
	return &policy.Refusal{Rule: most.rule, Hint: "close one first",
		Reason: fmt.Sprintf("you have %s on %s, as many as you may have at a time", many, res)}
}

// terms are the limits of one operation, with the rules that set them.
type terms struct {
	connectors.Terms
	rows, bytes, time string
	// stream bounds the output of a command or shell, where a rule does.
	stream bound[int64]
	keep   policy.Keep
	// rule is the one that let the operation run; binary says that its output need
	// not be text.
	rule   string
	binary bool
}

// terms are the tightest of the bastion's limits and the decision's; what was
// judged a read runs read-only. A shell or forward lasts as long as its person stays, and it
// is recorded completely.
func (s *Session) terms(op connectors.Operation, d policy.Decision) terms {
	l := s.g.rules.Load().Limits
	var rows, bytes bound[int64]
	var limit bound[time.Duration]
	rows.tighten(l.Rows, bastionLimit)
	rows.tighten(d.Limits.Rows, d.Rule)
	bytes.tighten(l.Bytes, bastionLimit)
	bytes.tighten(d.Limits.Bytes, d.Rule)
	limit.tighten(l.Statement, bastionLimit)
	limit.tighten(d.Limits.Statement, d.Rule)
	t := terms{
		Terms: connectors.Terms{ReadOnly: op.Facts.Class == policy.Read, Timeout: limit.most, MaxRows: rows.most, MaxBytes: bytes.most},
		rows:  rows.rule, bytes: bytes.rule, time: limit.rule, keep: d.Results, rule: d.Rule, binary: d.Binary,
	}
	t.Rule, t.Borrows = d.Rule, lent(op, d)
	t.stream.tighten(d.Limits.Bytes, d.Rule)
	if op.Action == policy.ActionForward {
		t.MaxStream = t.stream.most
	}
	if op.Action == policy.ActionShell || op.Action == policy.ActionForward {
		t.Timeout, t.keep = 0, policy.KeepFull
	}
	return t
}

// underMasks tightens the terms by what masks say of answers that show their
// columns or are chosen by them.
func (t *terms) underMasks(trace *connectors.Trace, seen *mask.Plan) {
	rows := bound[int64]{t.MaxRows, t.rows}
	most, rule := trace.Most(seen)
	rows.tighten(most, "masks/"+rule.Name)
	t.MaxRows, t.rows = rows.most, rows.rule
}

// late puts the limit and who sets it into words where an operation ran into its
// time; any other error stays as it is.
func (t terms) late(err error) error {
	var te *connectors.TargetError
	if !errors.As(err, &te) || !te.Late {
		return err
	}
	return &connectors.TargetError{Code: te.Code, Position: te.Position, Late: true,
		Text: fmt.Sprintf("it ran into its time limit of %s, set by %s", t.Timeout, setBy(t.time))}
}

// cut says who ended an answer early.
func (t terms) cut(rows int64) string {
	rule := t.bytes
	if t.MaxRows > 0 && rows >= t.MaxRows {
		rule = t.rows
	}
	if rule == bastionLimit || rule == "" {
		return "this bastion's limit"
	}
	return "rule " + rule
}

// setBy names who sets a limit.
func setBy(rule string) string {
	if rule == bastionLimit || rule == "" {
		return "this bastion (limits.statement)"
	}
	return "rule " + rule
}
