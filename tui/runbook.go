package tui

import (
	"context"
	"io"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// Runbooks is a Backend that opens declared commands (kinds with the power
// "command").
type Runbooks interface {
	OpenRunbook(ctx context.Context, resource string) (Runbook, error)
}

// Runbook is one open session on a declared command. Its methods are as those of
// Workspace; texts are name=value words, quoted as in a shell.
type Runbook interface {
	ID() recorder.ID
	Declared() connectors.Command
	Judge(ctx context.Context, text string) (policy.Decision, policy.Facts, error)
	Explain(ctx context.Context, text string) (Why, error)
	// Exec runs the command; what it writes, outputs mixed, comes to out as it comes.
	Exec(ctx context.Context, text string, ask *Ask, out io.Writer) (connectors.Exit, error)
	Key(k string) error
	Ended() <-chan struct{}
	Err() error
	Close() error
}

// runbook is the form of a declared command, made from its declaration: a line for
// each parameter, what would run, what the gate says to it, and the output.
type runbook struct {
	*env
	*scope
	listing Listing
	rb      Runbook
	command connectors.Command
	values  []widget.Input
	at      int // the parameter that has the focus; len(values) is the output

	verdict verdict
	run     *commandRun
	ask     *asking
	out     *commandOutput // nil before the first run
	top     int            // of the output, from its end
	why     *whyView
	whySeq  int
	ended   error
	over    bool
	gone    bool
}

func newRunbook(e *env, l Listing, rb Runbook) *runbook {
	p := &runbook{env: e, scope: newScope(e.root), listing: l, rb: rb, command: rb.Declared()}
	p.values = make([]widget.Input, len(p.command.Parameters))
	p.fresh()
	return p
}

// fresh sets every parameter to its default.
func (p *runbook) fresh() {
	for i, d := range p.command.Parameters {
		v := d.Default
		switch {
		case d.Type == connectors.ParameterSwitch && v == "":
			v = "off"
		case d.Type == connectors.ParameterChoice && v == "" && !d.Optional:
			v = d.Choices[0]
		}
		p.values[i].Set(v)
	}
	p.at = 0
}

func (p *runbook) crumb() string     { return p.listing.Name }
func (p *runbook) note(w int) string { return p.recorded(p.listing.Resource, p.rb.ID(), p.over, w) }

func (p *runbook) typing() bool {
	switch {
	case p.over || p.why != nil:
		return false
	case p.ask != nil:
		return !p.ask.sent
	}
	return p.at < len(p.values) && p.cycles(p.at) == nil
}

func (p *runbook) busy() string {
	switch {
	case p.gone || p.over:
		return ""
	case p.ask != nil && p.ask.sent:
		return "On " + p.listing.Name + " a request waits for approval; it would be withdrawn."
	case p.run != nil:
		return "On " + p.listing.Name + " the command runs; it would be ended."
	}
	return ""
}

func (p *runbook) beat() time.Duration {
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

func (p *runbook) start() tea.Cmd {
	rb := p.rb
	return tea.Batch(p.edited(), p.do(func(ctx context.Context) tea.Msg {
		select {
		case <-rb.Ended():
			return sessionOverMsg{rb.Err()}
		case <-ctx.Done():
			return nil
		}
	}))
}

// leave ends what runs and closes the session.
func (p *runbook) leave() tea.Cmd {
	p.gone = true
	p.stop(errLeft)
	rb, set, name := p.rb, p.env.open, p.listing.Name
	return func() tea.Msg {
		if err := set.end(rb); err != nil {
			return toastMsg{text: name + " was left, but: " + err.Error(), bad: true}
		}
		return nil
	}
}

func (p *runbook) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		if p.over {
			return say(backMsg{p.scope})
		}
		if err := p.rb.Key(m.String()); err != nil {
			return p.lost(err)
		}
		return p.key(m)
	case tea.PasteMsg:
		if p.over {
			return nil
		}
		if err := p.rb.Key(m.Content); err != nil {
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
		p.tookWhy(m)
	case sessionOverMsg:
		return p.lost(m.err)
	default:
		return p.updateRun(msg)
	}
	return nil
}

func (p *runbook) tookWhy(m whyMsg) {
	if p.why != nil && m.seq == p.why.seq {
		p.why.known, p.why.why, p.why.err = true, m.why, m.err
	}
}

func (p *runbook) lost(err error) tea.Cmd {
	if p.over || p.gone {
		return nil
	}
	p.over, p.ended = true, err
	p.run, p.ask, p.why = nil, nil, nil
	p.stop(errLeft)
	return nil
}

func (p *runbook) paste(text string) tea.Cmd {
	switch {
	case p.why != nil:
		return nil
	case p.ask != nil:
		if !p.ask.sent {
			p.ask.reason.Insert(text)
		}
		return nil
	case p.at == len(p.values) || p.cycles(p.at) != nil:
		return nil
	}
	p.values[p.at].Insert(strings.Join(strings.Fields(text), " "))
	return p.edited()
}

func (p *runbook) key(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case p.why != nil:
		if p.why.key(k) {
			p.why = nil
		}
		return nil
	case p.ask != nil:
		return p.askKey(k)
	case pressed(k, keys.Stop) && p.run != nil:
		return p.cancelRun()
	case pressed(k, keys.Explain):
		return p.askWhy()
	case pressed(k, keys.Run), k.String() == "enter":
		return p.submit()
	case pressed(k, keys.Back), pressed(k, keys.LeaveSQL):
		return p.askLeave()
	}
	return p.formKey(k)
}

// cycles are the values that a parameter goes round, nil where it is typed.
func (p *runbook) cycles(i int) []string {
	switch d := p.command.Parameters[i]; d.Type {
	case connectors.ParameterSwitch:
		return []string{"off", "on"}
	case connectors.ParameterChoice:
		if d.Optional && d.Default == "" {
			return append([]string{""}, d.Choices...)
		}
		return d.Choices
	}
	return nil
}

// formKey moves between the parameters and changes the one that has the focus.
func (p *runbook) formKey(k tea.KeyPressMsg) tea.Cmd {
	places := len(p.values)
	if p.out != nil {
		places++
	}
	s := k.String()
	switch {
	case places == 0:
		return nil
	case s == "tab", s == "down" && p.at < len(p.values):
		p.at = (p.at + 1) % places
		return nil
	case s == "shift+tab", s == "up" && p.at < len(p.values):
		p.at = (p.at + places - 1) % places
		return nil
	case p.at == len(p.values):
		p.scroll(s)
		return nil
	case pressed(k, keys.Stop):
		p.fresh()
		return p.edited()
	}
	before := p.values[p.at].Value()
	if round := p.cycles(p.at); round != nil {
		p.values[p.at].Set(turned(round, before, s))
	} else {
		p.values[p.at].Key(k)
	}
	if p.values[p.at].Value() == before {
		return nil
	}
	return p.edited()
}

// turned is the value before or behind another, or the one that begins with what
// is typed.
func turned(round []string, now, s string) string {
	at := 0
	for i, v := range round {
		if v == now {
			at = i
		}
	}
	switch s {
	case "right", "space", " ", "l":
		return round[(at+1)%len(round)]
	case "left", "h":
		return round[(at+len(round)-1)%len(round)]
	}
	for i := range round {
		if v := round[(at+1+i)%len(round)]; s != "" && strings.HasPrefix(v, s) {
			return v
		}
	}
	return now
}

// words is the command as it is judged and run.
func (p *runbook) words() string {
	var words []string
	for i, d := range p.command.Parameters {
		v := p.values[i].Value()
		if v == "" || d.Type == connectors.ParameterSwitch && v == "off" {
			continue
		}
		words = append(words, d.Name+"='"+strings.ReplaceAll(v, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// edited asks for a verdict once the keys rest.
func (p *runbook) edited() tea.Cmd {
	if p.verdict.stop != nil {
		p.verdict.stop() // nobody waits for what is stale
	}
	p.verdict = verdict{seq: p.verdict.seq + 1, rows: p.verdict.rows}
	return p.after(judgeDelay, judgeDue{p.verdict.seq})
}

func (p *runbook) judge(seq int) tea.Cmd {
	if seq != p.verdict.seq || p.over {
		return nil
	}
	text, rb := p.words(), p.rb
	ctx, stop := context.WithCancel(p.ctx)
	p.verdict.stop = stop
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		defer stop()
		d, f, err := rb.Judge(ctx, text)
		return judgedMsg{verdict{seq: seq, known: true, decision: d, facts: f, err: err}}
	})
}

func (p *runbook) askWhy() tea.Cmd {
	p.whySeq++
	v := &whyView{seq: p.whySeq, began: p.now()}
	p.why = v
	rb, text := p.rb, p.words()
	return p.do(func(ctx context.Context) tea.Msg {
		why, err := rb.Explain(ctx, text)
		return whyMsg{v.seq, why, err}
	})
}

func (p *runbook) askLeave() tea.Cmd {
	back := say(backMsg{p.scope})
	if lost := p.busy(); lost != "" {
		return say(confirmMsg{title: "Leave?", lines: []string{lost}, then: back})
	}
	return back
}

func (p *runbook) keys() []key.Binding {
	switch {
	case p.over:
		return []key.Binding{bind("any key", "back")}
	case p.why != nil:
		return []key.Binding{keys.Back, keys.Move}
	case p.ask != nil && !p.ask.sent:
		return []key.Binding{keys.Request, bind("esc", "do not ask", "esc")}
	case p.ask != nil:
		return []key.Binding{keys.Withdraw}
	case p.run != nil:
		return []key.Binding{bind("ctrl+c", "end it", "ctrl+c"), bind("tab", "output", "tab")}
	}
	out := []key.Binding{bind("enter", "run", "enter")}
	if len(p.values) > 0 {
		out = append(out, bind("tab", "next", "tab"))
	}
	if p.at < len(p.values) && p.cycles(p.at) != nil {
		out = append(out, bind("←/→", "change", "left", "right"))
	}
	return append(out, keys.Explain, bind("ctrl+c", "defaults", "ctrl+c"), bind("esc", "leave", "esc"))
}

func (p *runbook) explain() []string {
	return []string{
		"The form is the command's declaration. What runs is the line under it: those words, which no shell reads, on the bastion's own machine.",
		"The line below says what the gate would do with it; f5 tells why. Output is masked and recorded.",
	}
}
