package tui

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

// view lays out the form: parameters, what would run, the verdict, the output.
func (p *runbook) view(w, h int) []string {
	switch {
	case p.over:
		return p.drawEnded(p.ended, w, h)
	case p.why != nil:
		return widget.Fill(p.drawWhyView(p.why, min(w, 100), h), w, h)
	}
	var out []string
	if !p.small && p.listing.Description != "" {
		out = append(out, " "+p.dim.Render(widget.Truncate(widget.Escape(p.listing.Description), max(1, w-2))), "")
	}
	out = append(out, p.fields(w, max(1, h/2))...)
	if p.ask != nil {
		paint := func(text string, w int) []string { return widget.Wrap(widget.Escape(p.would()), w) }
		return widget.Fill(append(out, p.drawAsking(p.ask, p.listing.Resource, p.run != nil && p.run.cancelled, paint, w, max(1, h-len(out)))...), w, h)
	}
	out = append(out, p.plan(w)...)
	if room := h - len(out); room > 2 && (p.run != nil || p.out != nil) {
		out = append(out, p.output(w, room)...)
	}
	return widget.Fill(out, w, h)
}

// fields draws a line for each parameter, those around the one with the focus
// where there is no room for all.
func (p *runbook) fields(w, room int) []string {
	if len(p.values) == 0 {
		return []string{" " + p.dim.Render("it takes no parameters")}
	}
	name := 0
	for _, d := range p.command.Parameters {
		name = max(name, widget.Width(d.Name))
	}
	first := max(0, min(p.at-room/2, len(p.values)-room))
	var out []string
	for i := first; i < len(p.values) && len(out) < room; i++ {
		out = append(out, p.field(i, name, w)...)
	}
	return out[:min(len(out), room)]
}

// field is a parameter: its name, its value, and what it takes; where that does not
// fit beside the one with the focus, it is read below it.
func (p *runbook) field(i, name, w int) []string {
	d := p.command.Parameters[i]
	focused := i == p.at && p.ask == nil
	mark, label := "  ", p.dim
	if focused {
		mark, label = p.accent.Render(p.glyphs.crumb)+" ", p.bold
	}
	left := mark + label.Render(widget.Fit(d.Name, name)) + "  "
	room := max(8, min(40, w/2-name-4))
	var value string
	switch round := p.cycles(i); {
	case round != nil:
		v := p.values[i].Value()
		if v == "" {
			v = "none"
		}
		if focused {
			value = widget.Fit(p.accent.Render("< ")+widget.Truncate(widget.Escape(v), max(1, room-4))+p.accent.Render(" >"), room)
		} else {
			value = widget.Fit("  "+widget.Truncate(widget.Escape(v), max(1, room-2)), room)
		}
	case focused:
		value = "  " + p.values[i].View(room-2, p.text, p.cursor)
	default:
		value = widget.Fit("  "+widget.Truncate(widget.Escape(p.values[i].Value()), room-2), room)
	}
	hint, beside := widget.Escape(hintOf(d)), max(1, w-widget.Width(left)-room-3)
	if !focused || p.small || widget.Width(hint) <= beside {
		return []string{left + value + "  " + p.dim.Render(widget.Truncate(hint, beside))}
	}
	out := []string{left + value}
	for _, l := range wrapAtMost(hint, max(8, w-name-8), 2) {
		out = append(out, widget.Spaces(name+6)+p.dim.Render(l))
	}
	return out
}

// hintOf says what a parameter takes.
func hintOf(d connectors.Parameter) string {
	var parts []string
	if d.Help != "" {
		parts = append(parts, d.Help)
	}
	switch d.Type {
	case connectors.ParameterInteger:
		parts = append(parts, fmt.Sprintf("%d to %d", d.Min, d.Max))
	case connectors.ParameterText:
		if d.Pattern != "" {
			parts = append(parts, "like "+d.Pattern)
		}
	}
	if d.Optional {
		parts = append(parts, "may be left out")
	}
	return strings.Join(parts, ", ")
}

// would is the command as it would run, as far as it was judged.
func (p *runbook) would() string {
	f := p.verdict.facts
	if !p.verdict.known || len(f.Commands) == 0 {
		return ""
	}
	words := append([]string{p.command.Program}, f.Commands[0].Args...)
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " '\"\\$`|&;<>()*?[]#~!{}\t") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// plan draws what would run, and the verdict.
func (p *runbook) plan(w int) []string {
	out := []string{""}
	if would := p.would(); would != "" {
		for i, l := range wrapAtMost(widget.Escape(would), max(1, w-4), 3) {
			sign := p.accent.Render("$") + " "
			if i > 0 {
				sign = "  "
			}
			out = append(out, " "+sign+l)
		}
	}
	for _, l := range p.verdict.steady(p.verdictLines(p.verdict, w, 2), 2) {
		out = append(out, widget.Fit(l, w))
	}
	return append(out, "")
}

// output draws what the command wrote, and how it stands.
func (p *runbook) output(w, h int) []string {
	o := p.out
	if p.run != nil {
		o = p.run.out
	}
	title, foot, style := p.bold.Render("Output"), "", p.faint
	var tail []string
	switch {
	case p.run != nil && p.run.cancelled:
		foot = p.spinner() + " ending it"
	case p.run != nil:
		foot = p.spinner() + " runs for " + elapsed(p.now().Sub(o.began)) + p.dim.Render("  ctrl+c ends it")
	case o.over:
		name, body, hint, good := o.outcome()
		sign := p.danger.Render(p.glyphs.no)
		if good {
			sign = p.ok.Render(p.glyphs.yes)
		}
		foot = sign + " " + name + p.dim.Render(" in "+elapsed(o.took))
		for _, t := range []string{body, hint} {
			if t != "" {
				tail = append(tail, widget.Wrap(t, max(1, w-4))...)
			}
		}
	}
	if p.at == len(p.values) && len(p.values) > 0 {
		style = p.accent
	}
	lines, all := o.last(max(1, h-2-len(tail)), p.top)
	if o.lost > 0 || all > len(lines) {
		title += p.dim.Render(fmt.Sprintf("  %s", count(int64(all+o.lost), "line")))
	}
	for _, t := range tail {
		lines = append(lines, p.dim.Render(t))
	}
	for i := range lines {
		lines[i] = " " + widget.Truncate(lines[i], max(1, w-4))
	}
	return widget.Box(p.border, style, title, foot, lines, w, h)
}
