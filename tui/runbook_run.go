package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// commandRun is a command from its submission to its end.
type commandRun struct {
	text      string
	ctx       context.Context
	cancel    context.CancelFunc
	cancelled bool
	out       *commandOutput
}

// commandOutput is what a command wrote: the last lines of it, escaped. It is
// written to by the command and read by the page.
type commandOutput struct {
	began time.Time

	mu    sync.Mutex
	lines []string
	part  []byte // a line that has not come whole
	lost  int    // lines that were forgotten
	bytes int64

	// The page's alone: how it ended.
	took time.Duration
	over bool
	exit connectors.Exit
	err  error
	gave bool // it was cancelled by its person
}

type (
	execMsg struct {
		run  *commandRun
		exit connectors.Exit
		err  error
	}
	execAskedMsg struct {
		run      *commandRun
		approval policy.Approval
		ch       <-chan policy.Approval
	}
)

// Write never fails: what is too much is forgotten from its beginning, and kept
// whole in the transcript.
func (o *commandOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes += int64(len(b))
	rest := b
	for {
		i := strings.IndexByte(string(rest), '\n')
		if i < 0 {
			break
		}
		o.part = append(o.part, rest[:i]...)
		o.line()
		rest = rest[i+1:]
	}
	if o.part = append(o.part, rest...); len(o.part) > maxLine {
		o.line()
	}
	return len(b), nil
}

// line takes what there is as a line.
func (o *commandOutput) line() {
	text := strings.TrimSuffix(string(o.part), "\r")
	o.part = o.part[:0]
	if len(text) > maxLine {
		text = text[:maxLine] + widget.Ellipsis
	}
	o.lines = append(o.lines, widget.Escape(strings.ReplaceAll(text, "\t", "    ")))
	if len(o.lines) >= 2*maxLines {
		n := len(o.lines) - maxLines
		o.lines, o.lost = append([]string(nil), o.lines[n:]...), o.lost+n
	}
}

// last are up to n lines, ending top lines before the end, and how many there are.
func (o *commandOutput) last(n, top int) (out []string, all int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	if len(o.part) > 0 && utf8.Valid(o.part) {
		lines = append(lines[:len(lines):len(lines)], widget.Escape(string(o.part)))
	}
	end := max(0, len(lines)-top)
	return append([]string(nil), lines[max(0, end-n):end]...), len(lines)
}

// submit runs what the form says.
func (p *runbook) submit() tea.Cmd {
	if p.run != nil {
		return alarm("it still runs: ctrl+c ends it")
	}
	v := p.verdict
	if v.known && v.err == nil && v.facts.Class == policy.Unknown && len(v.facts.Commands) == 0 {
		return alarm(v.facts.Why)
	}
	return p.execute(p.words(), nil)
}

// execute runs a command; with asked, its reason goes along.
func (p *runbook) execute(text string, asked *asking) tea.Cmd {
	ctx, cancel := context.WithCancel(p.ctx)
	r := &commandRun{text: text, ctx: ctx, cancel: cancel, out: &commandOutput{began: p.now()}}
	p.run, p.top = r, 0
	var ask *Ask
	var listen tea.Cmd
	if asked != nil {
		ch := make(chan policy.Approval, 16)
		ask = &Ask{Reason: asked.reason.Value(), Waiting: func(a policy.Approval) {
			select {
			case ch <- a:
			default: // a newer state will follow; the waiting one is not worth blocking for
			}
		}}
		listen = p.listen(r, ch)
	}
	rb := p.rb
	return tea.Batch(p.doWith(ctx, func(ctx context.Context) tea.Msg {
		exit, err := rb.Exec(ctx, text, ask, r.out)
		return execMsg{r, exit, err}
	}), listen)
}

// listen waits for news of an approval.
func (p *runbook) listen(r *commandRun, ch <-chan policy.Approval) tea.Cmd {
	return p.doWith(r.ctx, func(ctx context.Context) tea.Msg {
		select {
		case a := <-ch:
			return execAskedMsg{r, a, ch}
		case <-ctx.Done():
			return nil
		}
	})
}

func (p *runbook) updateRun(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case beatMsg:
		if p.run != nil {
			if _, n := p.run.out.last(0, 0); n > 0 {
				p.ask, p.out = nil, p.run.out // it was approved, and runs
			}
		}
	case execMsg:
		if m.run == p.run {
			p.ran(m)
		}
	case execAskedMsg:
		if m.run == p.run && p.ask != nil {
			p.ask.approval, p.ask.known = m.approval, true
			return p.listen(m.run, m.ch)
		}
	}
	return nil
}

// ran settles the command that ran.
func (p *runbook) ran(m execMsg) {
	m.run.cancel()
	p.run = nil
	var needed *policy.ApprovalNeeded
	if p.ask == nil && errors.As(m.err, &needed) {
		p.ask = &asking{text: m.run.text, needed: needed}
		return
	}
	p.ask, p.out = nil, m.run.out
	o := p.out
	o.took, o.over, o.exit, o.err, o.gave = p.now().Sub(o.began), true, m.exit, m.err, m.run.cancelled
}

// cancelRun ends the command.
func (p *runbook) cancelRun() tea.Cmd {
	p.run.cancelled = true
	p.run.cancel()
	return nil
}

func (p *runbook) askKey(k tea.KeyPressMsg) tea.Cmd {
	a := p.ask
	if a.sent {
		if pressed(k, keys.Withdraw) && p.run != nil {
			return p.cancelRun()
		}
		return nil
	}
	switch {
	case pressed(k, keys.Withdraw):
		p.ask = nil
		return toast("nothing was requested, nothing ran")
	case pressed(k, keys.Request):
		if strings.TrimSpace(a.reason.Value()) == "" {
			a.missing = true
			return nil
		}
		a.sent = true
		return p.execute(a.text, a)
	}
	a.missing = false
	a.reason.Key(k)
	return nil
}

// scroll moves in the output.
func (p *runbook) scroll(s string) {
	_, n := p.out.last(0, 0)
	switch s {
	case "up", "k":
		p.top++
	case "down", "j":
		p.top--
	case "pgup":
		p.top += 10
	case "pgdown", "space":
		p.top -= 10
	case "home", "g":
		p.top = n
	case "end", "G":
		p.top = 0
	}
	p.top = max(0, min(p.top, n-1))
}

// outcome says how the command ended, in words for people.
func (o *commandOutput) outcome() (title, body, hint string, good bool) {
	var refusal *policy.Refusal
	switch {
	case errors.As(o.err, &refusal) && o.gave && refusal.By == "":
		return "Withdrawn", "the request was withdrawn, nothing ran", "", false
	case errors.As(o.err, &refusal):
		title, body, hint = refused(refusal)
		return title, body, hint, false
	case o.gave, errors.Is(o.err, connectors.ErrCanceled), errors.Is(o.err, context.Canceled):
		return "Ended", "the command was ended", "", false
	case o.err != nil:
		return "The command failed", errorText(o.err), "", false
	case o.exit.Signal != "":
		return "Ended by signal " + widget.Escape(o.exit.Signal), "", "", false
	case o.exit.Code != 0:
		return fmt.Sprintf("Exit code %d", o.exit.Code), "", "", false
	}
	return "Done", "", "", true
}
