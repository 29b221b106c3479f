package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// prompt is a line that is asked for, in place of one of the page's.
type prompt struct {
	label string
	words widget.Input
	// may: it can be left empty.
	may  bool
	then func(text string) tea.Cmd
}

// key handles a key; over says that the prompt is done with.
func (p *prompt) key(k tea.KeyPressMsg) (over bool, cmd tea.Cmd) {
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		return true, nil
	case pressed(k, keys.Send):
		text := strings.TrimSpace(p.words.Value())
		if text == "" && !p.may {
			return false, nil
		}
		return true, p.then(text)
	}
	p.words.Key(k)
	return false, nil
}

func (e *env) promptLine(p *prompt, w int) string {
	label := " " + e.warn.Render(e.glyphs.ask) + " " + widget.Truncate(widget.Escape(p.label), max(4, w*2/3)) + ": "
	return label + p.words.View(max(2, w-1-widget.Width(label)), e.text, e.cursor)
}

// opener opens transcripts for a page, and asks why where a reason is needed.
type opener struct {
	e      *env
	s      *scope
	busy   bool
	began  time.Time
	prompt *prompt
}

// opening is what is opened, and where the replay begins.
type opening struct {
	id    recorder.ID
	at    uint64 // event; 0 is the start
	watch bool
	find  string // stands there, or a little further on
}

type (
	playerMsg struct {
		player Player
		of     opening
		err    error
	}
	// endedMsg tells how ending a session went.
	endedMsg struct {
		who string
		err error
	}
)

func (o *opener) open(of opening, reason string) tea.Cmd {
	if o.busy {
		return nil
	}
	o.busy, o.began = true, o.e.now()
	be := o.e.be
	return o.s.do(func(ctx context.Context) tea.Msg {
		player, err := be.Replay(ctx, of.id, Look{Watch: of.watch, Reason: reason})
		return playerMsg{player, of, err}
	})
}

// opened shows the replay, or asks why.
func (o *opener) opened(m playerMsg) tea.Cmd {
	o.busy = false
	if o.ask(m.err, func(text string) tea.Cmd { return o.open(m.of, text) }) {
		return nil
	}
	if m.err != nil {
		return alarm("the transcript cannot be replayed: " + m.err.Error())
	}
	p := newReplay(o.e, m.player)
	if p.watching = m.of.watch; !m.of.watch && m.of.at > 0 {
		p.first, p.paused = goal{kind: goalEvent, event: m.of.at}, true
		if m.of.find != "" {
			p.hit, p.first = m.of.at, goal{kind: goalFind, event: m.of.at, text: strings.ToLower(m.of.find)}
		}
	}
	return say(pushMsg{p})
}

// ask opens a prompt where the error says that a reason is missing.
func (o *opener) ask(err error, then func(string) tea.Cmd) bool {
	var needs ReasonNeeded
	if !errors.As(err, &needs) {
		return false
	}
	o.prompt = &prompt{label: needs.Error(), then: then}
	return true
}

// key gives a key to the prompt; false where there is none.
func (o *opener) key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	if o.prompt == nil {
		return nil, false
	}
	p := o.prompt
	over, cmd := p.key(k)
	if over && o.prompt == p {
		o.prompt = nil
	}
	return cmd, true
}

// end asks why, and ends a live session.
func (o *opener) end(h recorder.Head) {
	who := person(h.Header)
	o.prompt = &prompt{label: "end " + who + " on " + h.Header.Resource + ", because", may: person(h.Header) == o.e.me.Display(), then: func(why string) tea.Cmd {
		be := o.e.be
		return o.s.do(func(ctx context.Context) tea.Msg { return endedMsg{who, be.End(ctx, h.ID, why)} })
	}}
}

func (m endedMsg) told() tea.Cmd {
	if m.err != nil {
		return alarm("the session goes on: " + m.err.Error())
	}
	return say(toastMsg{text: "ended: " + m.who + " is told why", good: true})
}
