package tui

import (
	"context"
	"errors"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// approvals is the desk of approvers and requesters.
type approvals struct {
	*env
	*scope
	list widget.List
	// chosen is what the detail shows: id and hash. When it changes without a
	// key, guard keeps a key that was meant for something else from deciding.
	chosen     picked
	guard      time.Time // decisive keys rest until then
	held       *tea.KeyPressMsg
	heldN      int
	top, lines int             // the statement's scroll
	room       int             // lines of it on the screen
	whole      map[picked]bool // statements whose end was on the screen
	prompt     *votePrompt
	voting     bool
	sent       time.Time // the decision
	asked      time.Time // for the list
}

type picked struct{ id, hash string }

// votePrompt is where the words of a decision are typed.
type votePrompt struct {
	yes   bool
	what  picked
	words widget.Input
}

// guardTime is how long a decisive key rests after the request under it changed
// by itself; any other key meanwhile drops it.
const guardTime = 400 * time.Millisecond

type (
	deskChanged struct{}
	guardOver   struct{ n int }
	votedMsg    struct {
		yes bool
		who string
		err error
	}
)

func newApprovals(e *env) *approvals {
	return &approvals{env: e, scope: newScope(e.root), whole: map[picked]bool{}}
}

func (p *approvals) crumb() string { return "approvals" }
func (p *approvals) typing() bool  { return p.prompt != nil }
func (p *approvals) busy() string  { return "" }

func (p *approvals) beat() time.Duration {
	if p.voting || !p.desk.loaded {
		return pendingBeat
	}
	if a := p.current(); a != nil && !a.Over() {
		return time.Second
	}
	return 0
}

// start loads the list anew.
func (p *approvals) start() tea.Cmd {
	if a := p.current(); p.prompt == nil && (a == nil || !p.desk.mayDecide(*a)) {
		p.goWaiting()
	}
	p.sync(false)
	p.guard = time.Time{} // the page was asked for, it did not pop up
	be := p.be
	p.asked = p.now()
	return p.do(func(ctx context.Context) tea.Msg {
		list, err := be.Approvals(ctx)
		return approvalsMsg{list, err}
	})
}

// current is the selected approval, nil for none.
func (p *approvals) current() *policy.Approval {
	if i := p.list.Cursor(); i < len(p.desk.list) {
		return &p.desk.list[i]
	}
	return nil
}

// goWaiting selects the first approval that waits for this person, if one does.
func (p *approvals) goWaiting() {
	for i, a := range p.desk.list {
		if p.desk.mayDecide(a) {
			p.list.SetLen(len(p.desk.list))
			p.list.Go(i)
			return
		}
	}
}

// sync brings the page to the desk's state: the selected one stays selected
// wherever it moved. byItself says that nobody pressed a key for it.
func (p *approvals) sync(byItself bool) {
	p.list.SetLen(len(p.desk.list))
	if byItself {
		for i, a := range p.desk.list {
			if a.ID == p.chosen.id {
				p.list.Go(i)
			}
		}
		if a := p.current(); p.prompt == nil && (a == nil || a.Over()) {
			p.goWaiting()
		}
	}
	var now picked
	if a := p.current(); a != nil {
		now = picked{a.ID, a.Hash}
	}
	if now == p.chosen {
		return
	}
	p.chosen, p.top, p.held = now, 0, nil
	if byItself {
		p.guard = p.now().Add(guardTime)
	}
	if p.prompt != nil && p.prompt.what != now {
		p.prompt = nil
	}
}

func (p *approvals) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case deskChanged:
		p.sync(true)
	case approvalsMsg:
		p.desk.take(m, p.now())
		p.sync(true)
	case votedMsg:
		p.voting = false
		if m.err != nil {
			return tea.Batch(alarm(m.err.Error()), p.start())
		}
		did := "denied: " + m.who + " is told"
		if m.yes {
			did = "approved: " + m.who + " is told"
		}
		return tea.Batch(say(toastMsg{text: did, good: true}), p.start())
	case guardOver:
		if p.held != nil && m.n == p.heldN {
			k := *p.held
			p.held = nil
			return p.decide(k)
		}
	case tea.PasteMsg:
		if p.prompt != nil {
			p.prompt.words.Insert(m.Content)
		}
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

func (p *approvals) key(k tea.KeyPressMsg) tea.Cmd {
	p.held = nil
	if p.prompt != nil {
		return p.promptKey(k)
	}
	switch s := k.String(); {
	case pressed(k, keys.Approve), pressed(k, keys.Deny), s == "A":
		if wait := p.guard.Sub(p.now()); wait > 0 {
			p.held = &k
			p.heldN++
			return p.after(wait, guardOver{p.heldN})
		}
		return p.decide(k)
	case pressed(k, keys.Refresh):
		return p.start()
	case s == "pgdown", s == "ctrl+d", s == "space":
		p.scroll(max(1, p.room-1))
	case s == "pgup", s == "ctrl+u":
		p.scroll(-max(1, p.room-1))
	case p.list.Key(s, true):
		p.sync(false)
	}
	return nil
}

func (p *approvals) scroll(d int) { p.top = max(0, min(p.top+d, p.lines-p.room)) }

// decide approves at once, or asks for the words of a denial.
func (p *approvals) decide(k tea.KeyPressMsg) tea.Cmd {
	a := p.current()
	if a == nil || p.voting {
		return nil
	}
	if why := p.desk.whyNot(*a); why != "" {
		return alarm("cannot be decided here: " + why)
	}
	yes := !pressed(k, keys.Deny)
	if yes && !p.whole[p.chosen] {
		return alarm("the statement goes on: scroll to its end first (pgdown)")
	}
	if k.String() == "a" {
		return p.vote(*a, true, "")
	}
	p.prompt = &votePrompt{yes: yes, what: p.chosen}
	return nil
}

func (p *approvals) promptKey(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		p.prompt = nil
	case pressed(k, keys.Send):
		a, pr := p.current(), p.prompt
		p.prompt = nil
		if a == nil || pr.what != (picked{a.ID, a.Hash}) {
			return alarm("the request changed meanwhile, nothing was sent")
		}
		return p.vote(*a, pr.yes, pr.words.Value())
	default:
		p.prompt.words.Key(k)
	}
	return nil
}

// vote sends the decision on what was seen.
func (p *approvals) vote(a policy.Approval, yes bool, comment string) tea.Cmd {
	p.voting, p.sent = true, p.now()
	be, who := p.be, a.Requester.Display()
	return p.do(func(ctx context.Context) tea.Msg {
		err := be.Vote(ctx, a.ID, a.Hash, yes, comment)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return votedMsg{yes, who, err}
	})
}

func (p *approvals) keys() []key.Binding {
	if p.prompt != nil {
		return []key.Binding{keys.Send, keys.Back}
	}
	approve, deny := keys.Approve, keys.Deny
	if a := p.current(); a == nil || !p.desk.mayDecide(*a) {
		approve.SetEnabled(false)
		deny.SetEnabled(false)
	}
	words := bind("A", "approve with words", "A")
	words.SetEnabled(approve.Enabled())
	move, scroll := keys.Move, keys.Scroll
	move.SetEnabled(len(p.desk.list) > 1)
	scroll.SetEnabled(p.lines > p.room)
	return []key.Binding{approve, deny, words, move, scroll, keys.Quit, keys.Refresh}
}

func (p *approvals) explain() []string {
	return []string{"One yes is good for one run of exactly this statement. A key pressed the moment a request appears rests for 0.4 s and counts only if no other key follows."}
}
