package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// preview says what this person may do with the selected resource, and why.
func (p *picker) preview(w int) []string {
	l := p.current()
	if l == nil {
		return nil
	}
	var out []string
	for _, s := range widget.Chop(widget.Escape(l.Name), w) { // the whole of it: hosts differ in their ends
		out = append(out, p.bold.Render(s))
	}
	if mark, last := p.production(l.Resource), len(out)-1; mark != "" && widget.Width(out[last])+1+widget.Width(mark) <= w {
		out[last] = widget.Sides(out[last], mark, w)
	} else if mark != "" {
		out = append(out, mark)
	}
	for _, s := range widget.Wrap(widget.Escape(l.Kind)+labels(l.Labels), w) {
		out = append(out, p.dim.Render(s))
	}
	if l.Description != "" {
		out = append(out, widget.Wrap(widget.Escape(l.Description), w)...)
	}
	if l.Unavailable != "" {
		out = append(out, "")
		for i, s := range widget.Wrap("cannot be opened now: "+widget.Escape(l.Unavailable), max(1, w-2)) {
			sign := "  "
			if i == 0 {
				sign = p.warn.Render(p.glyphs.no) + " "
			}
			out = append(out, sign+s)
		}
	}
	if f := p.failed; f.err != nil && f.name == l.Name && l.Unavailable == "" {
		out = append(out, "")
		for i, s := range widget.Wrap("last time: "+widget.EscapeLines(unnamed(f.err, l.Name)), max(1, w-2)) {
			sign := "  "
			if i == 0 {
				sign = p.danger.Render(p.glyphs.no) + " "
			}
			out = append(out, sign+s)
		}
	}
	if l.Power == "shell" {
		out = append(out, "")
		for _, s := range widget.Wrap("In a shell, keystrokes and output are recorded, but single commands cannot be stopped there.", w) {
			out = append(out, p.dim.Render(s))
		}
	}
	out = append(out, p.rights(l, w)...)
	out = append(out, p.masks(l, w)...)
	return append(out, p.sessions(l, w)...)
}

// production is the red accent of production resources, a word and a sign.
func (e *env) production(r policy.Resource) string {
	if !r.Production() {
		return ""
	}
	return e.prod.Render(e.glyphs.prod + " PRODUCTION")
}

func labels(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, widget.Escape(k)+"="+widget.Escape(v))
	}
	slices.Sort(out)
	if len(out) == 0 {
		return ""
	}
	return "  " + strings.Join(out, " ")
}

func (e *env) heading(s string) string { return e.dim.Render(s) }

func (p *picker) rights(l *Listing, w int) []string {
	if len(l.Rights) == 0 {
		return nil
	}
	out := []string{"", p.heading("You may")}
	for _, r := range denials(l.Rights) {
		out = append(out, p.right(r, w)...)
	}
	return out
}

// denials puts what one rule denies, one after the other, on one line.
func denials(rights []policy.Right) []policy.Right {
	var out []policy.Right
	for _, r := range rights {
		if n := len(out) - 1; n >= 0 && r.Effect == policy.Deny && out[n].Effect == policy.Deny && out[n].Rule == r.Rule &&
			len(r.Except)+len(out[n].Except) == 0 && !r.Conditional && !out[n].Conditional {
			out[n].What += ", " + r.What
			continue
		}
		out = append(out, r)
	}
	return out
}

// right is what one sort of operation gets and by which rule; below it its
// condition, its terms and the rule's words, where there are any.
func (p *picker) right(r policy.Right, w int) []string {
	out, whole := p.rightLines(r, w)
	more := func(s string) {
		for _, l := range widget.Wrap(s, max(8, w-4)) {
			out = append(out, "    "+p.dim.Render(l))
		}
	}
	if !whole {
		more("by " + widget.Escape(r.Rule))
	}
	for _, t := range rightTerms(r) {
		more(t)
	}
	return out
}

// rightLines are the first line, or more where many things are denied alike; whole
// says that nothing is left to say of the rule.
func (p *picker) rightLines(r policy.Right, w int) (lines []string, whole bool) {
	sign, says := p.danger.Render(p.glyphs.no), "denied"
	switch r.Effect {
	case policy.Allow:
		sign, says = p.ok.Render(p.glyphs.yes), "allowed"
	case policy.Approve:
		sign, says = p.warn.Render(p.glyphs.ask), "ask "+people(r.Need)+escapeAll(r.Approvers, " or ")
	}
	if r.Conditional {
		says += "*"
	}
	what := widget.Escape(r.What)
	line := sign + " " + widget.Fit(what, max(10, widget.Width(what)+1)) + says
	if rule := widget.Escape(r.Rule); rule != "" && widget.Width(line)+1+widget.Width(rule) <= w {
		return []string{widget.Sides(line, p.dim.Render(rule), w)}, true
	}
	lines = []string{line}
	if widget.Width(line) > w {
		lines = widget.Wrap(what+" "+says, max(8, w-2))
		for i := range lines {
			lines[i] = "  " + lines[i]
		}
		lines[0] = sign + lines[0][1:]
	}
	return lines, r.Rule == ""
}

func escapeAll(s []string, sep string) string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = widget.Escape(s[i])
	}
	return strings.Join(out, sep)
}

func (p *picker) masks(l *Listing, w int) []string {
	if len(l.Masks) == 0 && len(l.Detect) == 0 {
		return nil
	}
	out := []string{"", p.heading("Masked for you")}
	for _, m := range byMethod(l.Masks) {
		out = append(out, p.maskLines(m.method, strings.Join(m.columns, ", "), w)...)
	}
	if len(l.Detect) > 0 {
		out = append(out, p.maskLines("anywhere", escapeAll(l.Detect, ", "), w)...)
	}
	return out
}

// maskLines is a method and what it hides, wrapped beside it.
func (p *picker) maskLines(method, what string, w int) []string {
	var out []string
	for i, s := range widget.Wrap(what, max(8, w-12)) {
		if i == 0 {
			out = append(out, p.masked.Render(p.glyphs.mask)+" "+p.dim.Render(widget.Fit(method, 9))+" "+s)
			continue
		}
		out = append(out, widget.Spaces(12)+s)
	}
	return out
}

type maskGroup struct {
	method  string
	columns []string
}

// byMethod groups masked columns by how they are hidden, in the order of methods.
func byMethod(masks []policy.MaskRule) []maskGroup {
	var out []maskGroup
	for _, m := range masks {
		i := slices.IndexFunc(out, func(g maskGroup) bool { return g.method == widget.Escape(m.Method) })
		if i < 0 {
			i, out = len(out), append(out, maskGroup{method: widget.Escape(m.Method)})
		}
		out[i].columns = append(out[i].columns, widget.Escape(m.What()))
	}
	return out
}

func (p *picker) sessions(l *Listing, w int) []string {
	if len(l.Sessions) == 0 {
		return nil
	}
	out := []string{"", p.heading("Your last sessions")}
	for _, s := range l.Sessions {
		line := widget.Fit(ago(p.now(), s.Header.Started), 15) + operations(s.Operations)
		out = append(out, widget.Sides("  "+line, p.dim.Render(headState(p.env, s)), w))
	}
	return out
}

func operations(n int) string {
	if n == 1 {
		return "1 operation"
	}
	return fmt.Sprintf("%d operations", n)
}

// headState is how long a session was, or that it is still open.
func headState(e *env, h recorder.Head) string {
	if h.Ended == nil {
		return "open"
	}
	return lasted(h.EndedAt.Sub(h.Header.Started))
}

// ago is a point in the past, roughly.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 14*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours())/24)
	}
	return t.UTC().Format("2006-01-02")
}

// lasted is a duration, roughly.
func lasted(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// rightTerms are under what conditions and on what terms a right stands, and what
// the rule says about it.
func rightTerms(r policy.Right) []string {
	var out []string
	if r.Conditional {
		out = append(out, "when "+widget.Escape(r.When))
	}
	if terms := Terms(r.Decision); len(terms) > 0 {
		out = append(out, strings.Join(terms, ", "))
	}
	for _, x := range r.Except {
		out = append(out, exceptWords[x.Effect]+" when "+widget.Escape(x.When)+" ("+widget.Escape(x.Rule)+")")
	}
	return out
}

var exceptWords = map[policy.Effect]string{policy.Deny: "but denied", policy.Approve: "but asks", policy.Allow: "but allowed"}
