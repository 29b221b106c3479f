package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// answer is what came of a statement: rows, a tag, or an error.
type answer struct {
	text    string
	stream  *stream
	columns []connectors.Column
	grid    widget.Grid
	sum     connectors.Summary
	notices []string
	err     error
	took    time.Duration

	done, fetching bool
	toEnd          bool  // G: fetch all
	cancelled      bool  // by ctrl+c
	want           int64 // rows to have
}

const maxNotices = 20

func (a *answer) notice(ns []string) {
	a.notices = append(a.notices, ns...)
	if n := len(a.notices); n > maxNotices {
		a.notices = a.notices[n-maxNotices:]
	}
}

// rows reports whether there is a grid to look at.
func (a *answer) rows() bool {
	return len(a.grid.Columns) > 0 && (a.err == nil || a.grid.Len() > 0)
}

// gridKey handles a key while the result has the focus.
func (p *workspace) gridKey(k tea.KeyPressMsg) tea.Cmd {
	a := p.answer
	if a == nil {
		p.focus = focusEditor
		return nil
	}
	switch s := k.String(); {
	case a.toEnd && pressed(k, keys.Back):
		a.toEnd = false
		return nil
	case pressed(k, keys.Editor):
		p.focus = focusEditor
		return nil
	case s == "q", pressed(k, keys.LeaveSQL):
		return p.askLeave()
	case pressed(k, keys.Masks):
		return p.openMask()
	case pressed(k, keys.Record):
		p.record.on = !p.record.on
		return nil
	case pressed(k, keys.Enter):
		p.openCell()
		return nil
	case pressed(k, keys.ToEnd):
		a.grid.Key(s)
		a.toEnd = !a.done
		return p.fetch()
	case p.record.on && p.record.key(&a.grid, s):
	default:
		a.grid.Key(s)
	}
	row, _ := a.grid.Cursor()
	if need := row + aheadRows; need > a.grid.Len() {
		a.want = need
	}
	return p.fetch()
}

// status is the line below the result, as much of it as w cells hold: what matters
// least comes last.
func (p *workspace) status(w int) string {
	a := p.answer
	if a == nil || a.err != nil && a.grid.Len() == 0 {
		return ""
	}
	sep := p.faint.Render(" " + p.glyphs.bullet + " ")
	var parts []string
	switch {
	case a.rows() && a.toEnd:
		parts = append(parts, p.spinner()+" "+count(a.grid.Len(), "row")+", going to the end, esc stops")
	case a.rows() && !a.done:
		parts = append(parts, count(a.grid.Len(), "row")+" so far")
	case a.rows():
		parts = append(parts, count(a.grid.Len(), "row"))
	case a.sum.Affected > 0 || a.sum.Affected == 0 && a.sum.Tag != "":
		parts = append(parts, count(a.sum.Affected, "row")+" affected")
	}
	if a.sum.Tag != "" && !a.rows() {
		parts = append(parts, widget.Escape(a.sum.Tag))
	}
	if a.sum.Cut {
		parts = append(parts, p.warn.Render("cut by "+widget.Escape(p.answer.cutBy())))
	}
	if a.cancelled {
		parts = append(parts, p.warn.Render("cancelled"))
	}
	if a.sum.Masked > 0 {
		parts = append(parts, p.masked.Render(p.glyphs.mask+" "+count(a.sum.Masked, "cell")+" masked"))
	}
	if a.sum.Withheld > 0 {
		parts = append(parts, p.withheld.Render(p.glyphs.withheld+" "+count(a.sum.Withheld, "cell")+" withheld"))
	}
	if from, to := a.grid.Seen(); a.rows() && !p.record.on && to > 0 && to-from < len(a.grid.Columns) {
		parts = append(parts, fmt.Sprintf("columns %d to %d of %d", from+1, to, len(a.grid.Columns)))
	}
	if n := a.grid.Forgotten(); n > 0 {
		parts = append(parts, p.warn.Render("the first "+number(n)+" scrolled out, run again to see them"))
	}
	parts = append(parts, p.dim.Render(elapsed(a.took)))
	return inLine(parts, sep, w)
}

// inLine puts parts in a line of w cells, without those that do not fit.
func inLine(parts []string, sep string, w int) string {
	line := " " + parts[0]
	for _, part := range parts[1:] {
		if widget.Width(line)+widget.Width(sep)+widget.Width(part) <= w {
			line += sep + part
		}
	}
	return widget.Truncate(line, w)
}

// cutBy is what ended the answer early.
func (a *answer) cutBy() string {
	if a.stream != nil {
		if c, ok := a.stream.a.(Cutter); ok {
			return c.CutBy()
		}
	}
	return "the row limit"
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// number writes a number in groups of three.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return lasted(d)
}

// failure is an error of a statement, in place: what happened, by whom or which
// rule, and what to do.
func (p *workspace) failure(w int) []string {
	a := p.answer
	title, body, hint := "The "+p.lang.statement+" failed", errorText(a.err), ""
	style := p.danger
	var refusal *policy.Refusal
	var target *connectors.TargetError
	switch {
	case errors.As(a.err, &refusal) && a.cancelled && refusal.By == "":
		title, body, style = "Withdrawn", "the request was withdrawn, nothing ran", p.warn
	case errors.As(a.err, &refusal):
		title, body, hint = refused(refusal)
		if hint == "" && refusal.By == "" {
			hint = "f5 tells which rules were tried, and what is missing"
		}
	case errors.As(a.err, &target):
		body = widget.EscapeLines(target.Text)
		if target.Code != "" {
			title += " (" + widget.Escape(target.Code) + ")"
		}
		if target.Position > 0 {
			hint = fmt.Sprintf("at character %d: the cursor stands there, an arrow key edits", target.Position)
		}
	case a.cancelled, errors.Is(a.err, connectors.ErrCanceled), errors.Is(a.err, context.Canceled):
		title, body, style = "Cancelled", "the "+p.lang.statement+" was cancelled and the database was told", p.warn
	}
	lines := []string{""}
	for _, s := range widget.Wrap(body, max(1, w-6)) {
		lines = append(lines, "  "+s)
	}
	for _, n := range a.notices {
		for _, s := range widget.Wrap(widget.EscapeLines(n), max(1, w-6)) {
			lines = append(lines, "  "+p.dim.Render(s))
		}
	}
	if hint != "" {
		lines = append(lines, "")
		for _, s := range widget.Wrap(hint, max(1, w-6)) {
			lines = append(lines, "  "+p.dim.Render(s))
		}
	}
	lines = append(lines, "")
	head := style.Render(p.glyphs.no) + " " + p.bold.Render(title)
	return widget.Box(p.border, style, head, "", lines, w, len(lines)+2)
}

// refused says in words for people why an operation was refused.
func refused(r *policy.Refusal) (title, body, hint string) {
	title, body = "Refused", widget.EscapeLines(r.Reason)
	switch {
	case r.By != "":
		title = "Denied by " + widget.Escape(r.By)
		body = "no comment was given"
		if r.Comment != "" {
			body = `"` + widget.EscapeLines(r.Comment) + `"`
		}
	case r.Rule != "":
		title = "Refused by rule " + widget.Escape(r.Rule)
	}
	if body == "" {
		body = "the rule gives no further reason"
	}
	hint = widget.EscapeLines(r.Hint)
	if r.ApprovalID != "" {
		hint = strings.TrimSpace(hint + "  approval " + widget.Escape(r.ApprovalID))
	}
	return title, body, hint
}
