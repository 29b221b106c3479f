package tui

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// httpPage is one open session on an HTTP service: a request that is composed, with
// its verdict, and the last answer.
type httpPage struct {
	*env
	*scope
	listing Listing
	svc     Service

	method, path widget.Input
	headers      widget.Editor
	body         widget.Editor
	focus        httpFocus
	leaving      bool // esc was pressed once with a request composed
	saved        widget.List
	history      []composed
	finder       *requestFinder
	filling      *filling
	finding      *widget.Input // what is looked for in the answer
	value        *valueView
	why          *whyView // the explanation that is shown, nil for none
	whySeq       int

	verdict verdict
	run     *httpRun
	ask     *asking
	reply   *httpReply // the last answer, or the one that comes; nil before the first
	ended   error
	over    bool // the session was ended from behind
	gone    bool // leave was called
}

type httpFocus uint8

const (
	focusPath httpFocus = iota
	focusHeaders
	focusBody
	focusReply
	focusSaved
	focusMethod
)

func newHTTPPage(e *env, l Listing, s Service) *httpPage {
	p := &httpPage{env: e, scope: newScope(e.root), listing: l, svc: s}
	p.method.Set("GET")
	p.path.Set("/")
	p.saved.SetLen(len(s.Requests()))
	return p
}

func (p *httpPage) crumb() string { return p.listing.Name }

func (p *httpPage) note(w int) string { return p.recorded(p.listing.Resource, p.svc.ID(), p.over, w) }

func (p *httpPage) typing() bool {
	switch {
	case p.over || p.value != nil || p.why != nil:
		return false
	case p.finder != nil || p.filling != nil || p.finding != nil:
		return true
	case p.ask != nil:
		return !p.ask.sent
	}
	return p.focus != focusReply && p.focus != focusSaved
}

func (p *httpPage) busy() string {
	switch {
	case p.gone || p.over:
		return ""
	case p.ask != nil && p.ask.sent:
		return "On " + p.listing.Name + " a request waits for approval; it would be withdrawn."
	case p.run != nil:
		return "On " + p.listing.Name + " a request is under way; it would be cancelled."
	}
	return ""
}

func (p *httpPage) beat() time.Duration {
	switch {
	case p.ask != nil && p.ask.sent:
		return 250 * time.Millisecond
	case p.run != nil:
		return 125 * time.Millisecond
	case p.why != nil && !p.why.known:
		return pendingBeat
	}
	return 0
}

func (p *httpPage) start() tea.Cmd {
	svc := p.svc
	cmds := []tea.Cmd{p.edited(), p.do(func(ctx context.Context) tea.Msg {
		select {
		case <-svc.Ended():
			return sessionOverMsg{svc.Err()}
		case <-ctx.Done():
			return nil
		}
	})}
	if all := svc.Warnings(); len(all) > 0 {
		cmds = append(cmds, toast(all[0]))
	}
	return tea.Batch(cmds...)
}

// leave cancels what runs and closes the session.
func (p *httpPage) leave() tea.Cmd {
	p.gone = true
	p.stop(errLeft)
	svc, set, name := p.svc, p.env.open, p.listing.Name
	return func() tea.Msg {
		if err := set.end(svc); err != nil {
			return toastMsg{text: name + " was left, but: " + err.Error(), bad: true}
		}
		return nil
	}
}

func (p *httpPage) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		if p.over {
			return say(backMsg{p.scope})
		}
		if err := p.svc.Key(m.String()); err != nil {
			return p.lost(err)
		}
		return p.key(m)
	case tea.PasteMsg:
		if p.over {
			return nil
		}
		if err := p.svc.Key(m.Content); err != nil {
			return p.lost(err)
		}
		return p.paste(m.Content)
	case judgeDue:
		return p.judge(m.seq)
	case judgedMsg:
		if m.seq == p.verdict.seq {
			m.verdict.rows = p.verdict.rows
			p.verdict = m.verdict
		}
	case whyMsg:
		if p.why != nil && p.why.seq == m.seq {
			p.why.known, p.why.why, p.why.err = true, m.why, m.err
		}
	case valueMsg:
		if m.view == p.value {
			m.view.known, m.view.how, m.view.err = true, m.how, m.err
		}
	case sessionOverMsg:
		return p.lost(m.err)
	default:
		return p.updateRun(msg)
	}
	return nil
}

func (p *httpPage) lost(err error) tea.Cmd {
	if p.over || p.gone {
		return nil
	}
	p.over, p.ended = true, err
	p.run, p.ask, p.finder, p.filling, p.finding, p.value, p.why = nil, nil, nil, nil, nil, nil, nil
	p.stop(errLeft)
	return nil
}

// key handles a key: what lies above first, then what has the focus.
func (p *httpPage) key(k tea.KeyPressMsg) tea.Cmd {
	if !pressed(k, keys.Back) {
		p.leaving = false
	}
	switch {
	case p.value != nil:
		p.valueKey(k)
		return nil
	case p.why != nil:
		if p.why.key(k) {
			p.why = nil
		}
		return nil
	case p.finder != nil:
		return p.finderKey(k)
	case p.filling != nil:
		return p.fillKey(k)
	case p.finding != nil:
		return p.findKey(k)
	case p.ask != nil:
		return p.askKey(k)
	case pressed(k, keys.Stop) && p.run != nil:
		return p.cancelRun()
	case pressed(k, keys.Send2):
		return p.submit()
	case pressed(k, keys.Explain):
		return p.askWhy()
	case pressed(k, keys.History):
		return p.openFinder(false)
	case pressed(k, keys.Requests):
		return p.openFinder(true)
	case k.String() == "tab", k.String() == "shift+tab":
		p.nextFocus(k.String() == "shift+tab")
		return nil
	}
	switch p.focus {
	case focusReply:
		return p.replyKey(k)
	case focusSaved:
		return p.savedKey(k)
	}
	return p.composeKey(k)
}

// nextFocus goes round the parts of the request, the answer, and what is saved.
func (p *httpPage) nextFocus(back bool) {
	order := []httpFocus{focusMethod, focusPath, focusHeaders, focusBody}
	if p.reply != nil && p.reply.status > 0 {
		order = append(order, focusReply)
	}
	if len(p.svc.Requests()) > 0 && p.reply == nil {
		order = append(order, focusSaved)
	}
	at := 0
	for i, f := range order {
		if f == p.focus {
			at = i
		}
	}
	d := 1
	if back {
		d = len(order) - 1
	}
	p.focus = order[(at+d)%len(order)]
}

// askWhy opens the panel that explains what the gate would do with the request.
func (p *httpPage) askWhy() tea.Cmd {
	p.whySeq++
	v := &whyView{seq: p.whySeq, began: p.now()}
	p.why = v
	svc, text := p.svc, p.composed().text()
	return p.do(func(ctx context.Context) tea.Msg {
		why, err := svc.Explain(ctx, text)
		return whyMsg{v.seq, why, err}
	})
}

// askLeave leaves the session, asking first if something would be lost.
func (p *httpPage) askLeave() tea.Cmd {
	back := say(backMsg{p.scope})
	if lost := p.busy(); lost != "" {
		return say(confirmMsg{title: "Leave?", lines: []string{lost}, then: back})
	}
	return back
}

func (p *httpPage) keys() []key.Binding {
	switch {
	case p.over:
		return []key.Binding{bind("any key", "back")}
	case p.value != nil, p.why != nil:
		return []key.Binding{keys.Back, keys.Move}
	case p.finder != nil:
		return []key.Binding{bind("enter", "take", "enter"), bind("↑/↓", "move", "up", "down"), keys.Back}
	case p.filling != nil:
		return []key.Binding{bind("enter", "next", "enter"), keys.Back}
	case p.finding != nil:
		return []key.Binding{bind("enter", "find", "enter"), keys.Back}
	case p.ask != nil && !p.ask.sent:
		return []key.Binding{keys.Request, bind("esc", "do not ask", "esc")}
	case p.ask != nil:
		return []key.Binding{keys.Withdraw}
	case p.run != nil:
		return []key.Binding{bind("ctrl+c", "cancel", "ctrl+c")}
	}
	switch p.focus {
	case focusReply:
		out := []key.Binding{keys.Move, keys.Fold, keys.Find, keys.Masks, bind("esc", "request", "esc"), keys.FoldAll}
		return append(out, keys.Headers, keys.RawText, keys.Again, bind("q", "leave", "q"))
	case focusSaved:
		return []key.Binding{keys.Move, bind("enter", "take", "enter"), bind("esc", "request", "esc")}
	}
	return []key.Binding{keys.Send2, bind("tab", "next field", "tab"), keys.Requests, keys.History, keys.Explain, keys.Stop, bind("esc", "leave", "esc")}
}

func (p *httpPage) explain() []string {
	return []string{
		"A request is sent with enter in its first line, or ctrl+j anywhere. The credential is the gate's: it cannot be typed and does not show, not even in an echo.",
		"The line under the request says what the gate would do with it, without sending anything; f5 tells why. A redirect to the same service is followed as a request of its own.",
		"In the answer: enter, ← and → fold, z and Z fold and unfold all, / finds, n and N go on, m tells why a value is masked, h shows the header fields, r the text as it came.",
	}
}
