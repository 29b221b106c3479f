package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// asking is an approval that is being asked for, in place: first for the reason,
// then live until the answer.
type asking struct {
	text     string
	unmask   []string // masked columns to see in clear
	needed   *policy.ApprovalNeeded
	reason   widget.Input
	missing  bool // enter was pressed without a reason
	sent     bool
	known    bool // approval is set
	approval policy.Approval
}

func (p *workspace) askKey(k tea.KeyPressMsg) tea.Cmd {
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

// drawAsk draws the prompt, or the wait.
func (p *workspace) drawAsk(w, h int) []string {
	paint := func(text string, w int) []string { return p.paint(p.listing.Kind, text, w) }
	return p.drawAsking(p.ask, p.listing.Resource, p.run != nil && p.run.cancelled, paint, w, h)
}

// drawAsking draws the prompt for an approval on a resource, or the wait; cancelled
// says that it is being withdrawn.
func (p *env) drawAsking(a *asking, res policy.Resource, cancelled bool, paint func(text string, w int) []string, w, h int) []string {
	d := a.needed.Decision
	if p.small && h < 10 {
		return p.bareAsk(a, paint, w)
	}
	inner := max(1, w-4)
	var head []string
	head = append(head, p.askLine("Clear", escapeAll(a.unmask, ", "), inner)...)
	head = append(head, p.askLine("Lends", strings.Join(d.Lent(), ", "), inner)...)
	head = append(head, p.askLine("Rule", widget.Escape(d.Rule)+because(d.Reason), inner)...)
	head = append(head, p.askLine("From", need(d.Need)+escapeAll(d.Approvers, " or "), inner)...)
	head = append(head, p.askLine("Why", factsText(a.needed.Facts), inner)...)
	tail := p.askTail(a, cancelled, inner)
	statement := paint(a.text, inner)
	room := max(1, h-2-len(head)-len(tail)-2)
	if len(statement) > room {
		more := len(statement) - room + 1
		statement = append(statement[:room-1], p.dim.Render(fmt.Sprintf("%s %d more lines", p.glyphs.more, more)))
	}
	lines := append([]string{}, statement...)
	lines = append(append(append(lines, ""), head...), tail...)
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	title := p.warn.Render(p.glyphs.ask) + " " + p.bold.Render("Needs approval")
	if a.sent {
		title = p.spinner() + " " + p.bold.Render("Waiting for approval")
	}
	return widget.Box(p.border, p.warn, title, p.production(res), lines, w, min(h, len(lines)+2))
}

// bareAsk is the prompt on a tiny window: who is asked, and the line to type in
// or the state.
func (p *env) bareAsk(a *asking, paint func(text string, w int) []string, w int) []string {
	title := p.warn.Render(p.glyphs.ask) + " ask " + escapeAll(a.needed.Decision.Approvers, " or ")
	if a.sent {
		state := "waiting"
		if a.known {
			state = "expires " + clock(a.approval.Expires.Sub(p.now()))
		}
		return append([]string{title, p.spinner() + " " + state}, paint(a.text, w)...)
	}
	label := "why? "
	line := p.accent.Render(label) + a.reason.View(max(2, w-len(label)), p.text, p.cursor)
	return append([]string{title, line}, paint(a.text, w)...)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + widget.Escape(reason)
}

func need(n int) string {
	if n > 1 {
		return fmt.Sprintf("%d people of ", n)
	}
	return "one of "
}

func (p *env) askLine(label, text string, w int) []string {
	if text == "" {
		return nil
	}
	var out []string
	for i, s := range widget.Wrap(text, max(1, w-8)) {
		l := label
		if i > 0 {
			l = ""
		}
		out = append(out, p.dim.Render(widget.Fit(l, 8))+s)
	}
	return out
}

// askTail is the reason to type, or how the wait stands.
func (p *env) askTail(a *asking, cancelled bool, w int) []string {
	if !a.sent {
		hint := p.dim.Render("enter asks, esc does not")
		if a.missing {
			hint = p.warn.Render("a reason is needed: the approvers read it")
		}
		return []string{p.accent.Render(widget.Fit("Reason", 8)) + a.reason.View(max(2, w-8), p.text, p.cursor), "", hint}
	}
	out := p.askLine("Reason", `"`+widget.Escape(a.reason.Value())+`"`, w)
	state := "sending the request"
	if a.known {
		state = "asked " + clock(p.now().Sub(a.approval.Created)) + " ago"
		if left := a.approval.Expires.Sub(p.now()); a.approval.State == policy.ApprovalPending {
			state += ", expires in " + clock(left)
		} else {
			state = string(a.approval.State)
		}
		out = append(out, p.askLine("Id", widget.Escape(a.approval.ID), w)...)
		out = append(out, p.votes(a.approval, w)...)
	}
	out = append(out, "", p.bold.Render(state))
	if cancelled {
		return append(out, p.dim.Render("withdrawing"))
	}
	return append(out, p.dim.Render("It runs here by itself once approved. esc withdraws."))
}

// clock is a duration as minutes and seconds.
func clock(d time.Duration) string {
	d = max(0, d)
	if d >= time.Hour {
		return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// votes are the words of those who have decided.
func (e *env) votes(a policy.Approval, w int) []string {
	var out []string
	for _, v := range a.Votes {
		sign, did := e.ok.Render(e.glyphs.yes), "approved"
		if !v.Yes {
			sign, did = e.danger.Render(e.glyphs.no), "denied"
		}
		text := widget.Escape(v.By.Display()) + " " + did
		if v.Comment != "" {
			text += `: "` + widget.Escape(v.Comment) + `"`
		}
		for i, s := range widget.Wrap(text, max(1, w-2)) {
			if i > 0 {
				sign = " "
			}
			out = append(out, sign+" "+s)
		}
	}
	return out
}

// factsText says what parsing the operation told.
func factsText(f policy.Facts) string {
	parts := []string{f.Class.String()}
	if f.Destructive {
		parts = append(parts, "destructive")
	}
	if f.Why != "" {
		parts = append(parts, widget.Escape(f.Why))
	}
	var tables []string
	for _, t := range f.Tables {
		name := widget.Escape(t.Name)
		if t.Schema != "" {
			name = widget.Escape(t.Schema) + "." + name
		}
		tables = append(tables, name)
	}
	if len(tables) > 0 {
		parts = append(parts, "on "+strings.Join(tables, ", "))
	}
	if rows := estimate(f); rows != "" {
		parts = append(parts, rows)
	}
	return strings.Join(parts, ", ")
}
