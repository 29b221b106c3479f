package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

func (p *approvals) view(w, h int) []string {
	switch {
	case p.desk.err != nil && len(p.desk.list) == 0:
		return []string{"", " " + p.danger.Render(p.glyphs.no) + " approvals cannot be listed: " + widget.Escape(p.desk.err.Error()), " " + p.dim.Render("ctrl+r tries again")}
	case !p.desk.loaded:
		return []string{" " + p.pending("loading", p.asked)}
	case len(p.desk.list) == 0:
		return []string{"", " " + p.bold.Render("Nothing waits for you."),
			" " + p.dim.Render("Requests that you may decide on, and your own, appear here by themselves.")}
	case p.small:
		return p.detail(w, h)
	case w >= 120:
		lw := min(w*2/5, 84)
		bar := make([]string, h)
		for i := range bar {
			bar[i] = p.faint.Render(p.border.V) + " "
		}
		left := widget.Beside(p.rows(lw-1, h), " ", bar)
		return widget.Beside(left, "", widget.Fill(p.detail(min(w-lw-2, 110), h), w-lw-2, h))
	}
	n := max(1, min(len(p.desk.list), h/4))
	out := p.rows(w, n)
	out = append(out, p.faint.Render(widget.Rule(p.glyphs.rule, w)))
	return append(out, p.detail(w, h-n-1)...)
}

func (p *approvals) rows(w, h int) []string {
	from, to := p.list.Window(h)
	var out []string
	for i := from; i < to; i++ {
		out = append(out, p.row(&p.desk.list[i], w, i == p.list.Cursor()))
	}
	return widget.Fill(out, w, h)
}

// sign is an approval's state at a glance.
func (e *env) sign(a *policy.Approval) string {
	switch a.State {
	case policy.ApprovalPending:
		return e.warn.Render(e.glyphs.ask)
	case policy.ApprovalGranted, policy.ApprovalExecuting, policy.ApprovalDone:
		return e.ok.Render(e.glyphs.yes)
	case policy.ApprovalDenied, policy.ApprovalFailed, policy.ApprovalUnknown:
		return e.danger.Render(e.glyphs.no)
	}
	return e.dim.Render(e.glyphs.bullet)
}

func (p *approvals) row(a *policy.Approval, w int, selected bool) string {
	who := widget.Escape(a.Requester.Display())
	if a.Requester.Same(p.me) {
		who = "you"
	}
	prod := " "
	if a.Resource.Production() {
		prod = p.prod.Render(p.glyphs.prod)
	}
	state := string(a.State)
	if a.State == policy.ApprovalPending && p.desk.mayDecide(*a) {
		state = "for you"
	}
	right := p.dim.Render(" " + state + "  " + ago(p.now(), a.Created) + " ")
	statement := strings.Join(strings.Fields(a.Statement[:min(len(a.Statement), 400)]), " ")
	left := p.sign(a) + " " + widget.Fit(who, 18) + " " + prod + " " + p.bold.Render(widget.Fit(widget.Escape(a.Resource.Name), 14)) + " " + p.warn.Render(wants(a)) + widget.Escape(statement)
	line := widget.Sides(left+" ", right, w-1)
	point := " "
	if selected {
		point, line = p.accent.Render(p.glyphs.pointer), p.selected.Under(line)
	}
	return point + line
}

// detail is all that a decision needs, the statement whole and in the middle.
func (p *approvals) detail(w, h int) []string {
	a := p.current()
	if a == nil {
		return nil
	}
	inner := max(1, w-4)
	if p.small {
		inner = w // no frame
	}
	lines := p.paint(a.Resource.Kind, a.Statement, inner)
	if more := wants(a); p.small && more != "" { // the terms may be cut there; what is read to its end is not
		lines = append(widget.Wrap(more, inner), lines...)
	}
	head, tail := p.about(a, w), p.terms(a, w)
	frame := 2
	if p.small {
		frame = 0
		if keep := max(1, h/3); len(tail) > keep { // what is asked matters most
			tail = append(tail[:keep-1], tail[len(tail)-1])
		}
		if h < 6 {
			head = nil
		}
	}
	room := max(1, h-len(head)-len(tail)-frame)
	p.lines, p.room = len(lines), min(room, len(lines))
	p.scroll(0)
	if p.top+p.room >= len(lines) {
		p.whole[p.chosen] = true
	}
	tail[len(tail)-1] = p.action(a, w) // it depends on whether the end was seen
	shown := lines[p.top : p.top+p.room]
	out := head
	if p.small {
		out = append(out, shown...)
	} else {
		out = append(out, p.statement(a, shown, w, len(lines))...)
	}
	return append(out, tail...)
}

func (p *approvals) statement(a *policy.Approval, shown []string, w, total int) []string {
	boxed := make([]string, len(shown))
	for i, l := range shown {
		boxed[i] = " " + l
	}
	style := p.accent
	title := p.bold.Render(a.Facts.Class.String())
	if a.Facts.Destructive {
		style = p.danger
		title = p.danger.Render(a.Facts.Class.String() + ", destructive")
	}
	foot := fmt.Sprintf("%s, sha256 %s", count(int64(len(a.Statement)), "byte"), widget.Clip(a.Hash, 12))
	if total > len(shown) {
		foot = fmt.Sprintf("lines %d to %d of %d, pgdown", p.top+1, p.top+len(shown), total)
	}
	return widget.Box(p.border, style, title, p.dim.Render(foot), boxed, w, len(shown)+2)
}

// about says who wants what where.
func (p *approvals) about(a *policy.Approval, w int) []string {
	who := p.bold.Render(widget.Escape(a.Requester.Display())) + " asks"
	if a.Requester.Same(p.me) {
		who = p.bold.Render("You") + " ask"
	}
	line := " " + who + " on " + p.bold.Render(widget.Escape(a.Resource.Name)) + " " + p.production(a.Resource)
	until := p.expiry(a) + " "
	if widget.Width(line)+1+widget.Width(until) > w { // where it is matters as much as until when
		return []string{widget.Truncate(line, w), widget.FitRight(until, w)}
	}
	return []string{widget.Sides(line, until, w)}
}

func (p *approvals) expiry(a *policy.Approval) string {
	if a.State != policy.ApprovalPending {
		return p.sign(a) + " " + p.bold.Render(string(a.State))
	}
	left := a.Expires.Sub(p.now())
	text := "expires in " + clock(left)
	if left < time.Minute {
		return p.warn.Render(text)
	}
	return p.dim.Render(text)
}

// terms is why, by which rule, and how it stands; the last line says what one
// can do.
func (p *approvals) terms(a *policy.Approval, w int) []string {
	var out []string
	add := func(label, text string) {
		if text == "" {
			return
		}
		for i, s := range widget.Wrap(text, max(1, w-11)) {
			if i > 0 {
				label = ""
			}
			out = append(out, " "+p.dim.Render(widget.Fit(label, 9))+s)
		}
	}
	add("In clear", escapeAll(a.Cleartext, ", "))
	add("Lends", lentWords(a))
	add("Reason", `"`+widget.Escape(a.Reason)+`"`)
	add("Facts", factsText(a.Facts))
	needed := fmt.Sprintf("%d of %d yes from ", yesses(a), max(1, a.Need)) + escapeAll(a.Approvers, " or ")
	add("Rule", widget.Escape(a.Rule)+p.dim.Render(", ")+needed)
	session := widget.Escape(a.Session)
	if a.From != "" {
		session += p.dim.Render(" from ") + widget.Escape(a.From)
	}
	add("Session", session)
	for _, v := range p.votes(*a, max(1, w-2)) {
		out = append(out, " "+v)
	}
	return append(out, p.action(a, w))
}

func yesses(a *policy.Approval) int {
	n := 0
	for _, v := range a.Votes {
		if v.Yes {
			n++
		}
	}
	return n
}

func (p *approvals) action(a *policy.Approval, w int) string {
	switch why := p.desk.whyNot(*a); {
	case p.prompt != nil:
		label := "Deny, because: "
		if p.prompt.yes {
			label = "Approve, and say: "
		}
		return " " + p.accent.Render(label) + p.prompt.words.View(max(2, w-2-len(label)), p.text, p.cursor)
	case p.voting:
		return " " + p.pending("sending your decision", p.sent)
	case a.Over():
		return ""
	case why != "":
		return " " + p.dim.Render("You cannot decide: "+why)
	case !p.whole[p.chosen]:
		return " " + p.warn.Render("Read to the end of the statement first: pgdown")
	}
	return " " + p.button.Render(" a approve ") + "  " + p.bold.Render("d deny")
}

// wants says what else than the statement is asked for, "" for nothing: masked columns
// that the requester wants to see, and what of theirs the target is to use.
func wants(a *policy.Approval) string {
	var all []string
	if len(a.Cleartext) > 0 {
		all = append(all, "wants to see "+escapeAll(a.Cleartext, ", "))
	}
	var lent []string // in short: lists are narrow
	if a.AgentForwarding {
		lent = append(lent, "agent")
	}
	if a.X11Forwarding {
		lent = append(lent, "X11")
	}
	if len(lent) > 0 {
		all = append(all, "lends "+strings.Join(lent, "+"))
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, ", ") + ": "
}

// lentWords says what the target may do with what is lent to it, "" for nothing.
func lentWords(a *policy.Approval) string {
	var all []string
	if a.AgentForwarding {
		all = append(all, "agent forwarding: while it runs, who rules the host can sign in elsewhere by the requester's keys")
	}
	if a.X11Forwarding {
		all = append(all, "X11 forwarding: while it runs, who rules the host can read and drive the requester's display")
	}
	return strings.Join(all, "; ")
}
