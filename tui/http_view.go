package tui

import (
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

// view lays out the page: the request with its verdict, and the answer.
func (p *httpPage) view(w, h int) []string {
	if p.over {
		return p.drawEnded(p.ended, w, h)
	}
	out := p.drawRequest(w, h)
	if h-len(out) > 1 {
		for _, l := range p.drawHTTPVerdict(w) {
			out = append(out, widget.Fit(l, w))
		}
	}
	if room := h - len(out); room > 0 {
		out = append(out, p.drawBelow(w, room)...)
	}
	return widget.Fill(out, w, h)
}

// drawRequest is the request: its first line, its header fields and its body, each
// as high as it needs to be.
func (p *httpPage) drawRequest(w, h int) []string {
	inner := w - 4
	if p.small {
		inner = w
	}
	top := p.ask == nil && p.finder == nil && p.filling == nil && p.value == nil && p.finding == nil && p.why == nil
	label := func(s string, f httpFocus) string {
		style := p.dim
		if top && p.focus == f {
			style = p.accent
		}
		return style.Render(widget.Fit(s, 9))
	}
	method := p.methodStyle().Render(widget.Fit(widget.Escape(p.method.Value()), 9))
	if top && p.focus == focusMethod {
		method = p.method.View(8, p.bold, p.cursor) + " "
	}
	path := widget.Truncate(widget.Escape(p.path.Value()), max(1, inner-9))
	if top && p.focus == focusPath {
		path = p.path.View(max(2, inner-9), p.bold, p.cursor)
	}
	lines := []string{method + path}
	part := func(name string, e *widget.Editor, f httpFocus, most int) {
		focused := top && p.focus == f
		if e.Empty() && !focused && (p.reply != nil || p.run != nil || p.ask != nil || p.small) {
			return
		}
		n := max(1, min(e.Lines(max(1, inner-9)), most))
		if focused {
			n = max(n, min(3, most))
		}
		text := e.View(inner-9, n, [7]widget.Style{}, p.cursor, focused)
		if e.Value() == "" && !focused {
			text = []string{p.dim.Render(map[httpFocus]string{focusHeaders: "Name: value, one a line", focusBody: "none"}[f])}
		}
		for i, l := range text {
			lines = append(lines, label(name, f)+l)
			if i == 0 {
				name = ""
			}
		}
	}
	part("Headers", &p.headers, focusHeaders, max(1, h/5))
	part("Body", &p.body, focusBody, max(1, h/4))
	if p.small {
		return lines
	}
	style := p.faint
	if top && p.focus != focusReply && p.focus != focusSaved {
		style = p.accent
	}
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return widget.Box(p.border, style, p.bold.Render("Request"), "", lines, w, len(lines)+2)
}

// methodStyle marks methods that change something.
func (p *httpPage) methodStyle() widget.Style {
	switch p.method.Value() {
	case "GET", "HEAD", "OPTIONS":
		return p.accent
	case "DELETE":
		return p.danger.With(p.bold)
	}
	return p.warn
}

func (p *httpPage) drawHTTPVerdict(w int) []string {
	if p.ask != nil || p.focus == focusReply {
		return []string{""}
	}
	most := 4
	if p.small {
		most = 1
	} else if p.reply != nil {
		most = 2
	}
	return p.verdict.steady(p.verdictLines(p.verdict, w, most), most)
}

// drawBelow is what lies under the request.
func (p *httpPage) drawBelow(w, h int) []string {
	switch {
	case p.why != nil:
		return p.drawWhyView(p.why, min(w, 100), h)
	case p.value != nil:
		return p.drawValue(min(w, maxPanel), h)
	case p.finder != nil:
		return p.drawFinder(w, min(h, max(6, len(p.finder.shown)+3)))
	case p.filling != nil:
		return p.drawFilling(min(w, maxPanel))
	case p.ask != nil:
		return p.drawAsking(p.ask, p.listing.Resource, p.run != nil && p.run.cancelled, p.paintRequest, min(w, maxPanel), h)
	case p.run != nil && p.reply.status == 0:
		return []string{"", p.drawUnderWay()}
	case p.reply == nil:
		return p.drawBlank(w, h)
	case p.reply.status == 0:
		return p.drawFailure(min(w, maxPanel))
	}
	return p.drawReply(w, h)
}

// paintRequest shows a request that is to be approved: every character, in lines
// of w cells.
func (p *httpPage) paintRequest(text string, w int) []string {
	var out []string
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		for _, part := range chop(widget.Escape(l), max(1, w)) {
			if i == 0 {
				part = p.bold.Render(part)
			}
			out = append(out, part)
		}
	}
	return out
}

func (p *httpPage) drawUnderWay() string {
	d := p.now().Sub(p.run.began)
	line := " " + p.spinner() + " waiting for the answer"
	if p.run.cancelled {
		line = " " + p.spinner() + " cancelling"
	}
	if d >= 1e9 {
		line += "  " + clock(d)
	}
	return line + p.dim.Render("   ctrl+c cancels")
}

// drawBlank is before the first request: what is saved.
func (p *httpPage) drawBlank(w, h int) []string {
	var out []string
	for _, s := range widget.Wrap("Every request is judged before it is sent, and recorded with its masked answer. The credential is the gate's.", max(1, w-2)) {
		out = append(out, " "+p.dim.Render(s))
	}
	out = append([]string{""}, out...)
	all := p.svc.Requests()
	if len(all) == 0 || h-len(out) < 3 {
		return out
	}
	out = append(out, "", " "+p.bold.Render("Saved requests")+p.dim.Render("   ctrl+t finds one, tab goes there"))
	from, to := p.saved.Window(max(1, h-len(out)))
	for i := from; i < to; i++ {
		q := all[i]
		line := " " + widget.Fit(widget.Escape(q.Name), 28) + "  " + p.dim.Render(widget.Fit(widget.Escape(q.Method), 7)) + " " + widget.Escape(q.Path)
		if q.Description != "" {
			line += p.dim.Render("   " + widget.Escape(q.Description))
		}
		line = widget.Truncate(line, max(1, w-2))
		if i == p.saved.Cursor() && p.focus == focusSaved {
			line = p.accent.Render(p.glyphs.pointer) + p.selected.Under(widget.Fit(line, w-2))
		} else {
			line = " " + line
		}
		out = append(out, line)
	}
	return out
}

func (p *httpPage) drawFilling(w int) []string {
	f := p.filling
	name := strings.Trim(f.name, "{}")
	lines := []string{" " + p.accent.Render(widget.Fit(widget.Escape(name), 16)) + f.input.View(max(2, w-22), p.text, p.cursor), "",
		" " + p.dim.Render("enter takes it, esc leaves the rest as it is")}
	return widget.Box(p.border, p.accent, p.bold.Render(widget.Escape(f.request)), "", lines, w, len(lines)+2)
}

func (p *httpPage) drawFailure(w int) []string {
	title, body, hint, cancelled := p.reply.failed()
	style := p.danger
	if cancelled {
		style = p.warn
	}
	lines := []string{""}
	for _, s := range widget.Wrap(body, max(1, w-6)) {
		lines = append(lines, "  "+s)
	}
	if hint != "" {
		lines = append(lines, "")
		for _, s := range widget.Wrap(hint, max(1, w-6)) {
			lines = append(lines, "  "+p.dim.Render(s))
		}
	}
	lines = append(lines, "")
	return widget.Box(p.border, style, style.Render(p.glyphs.no)+" "+p.bold.Render(title), "", lines, w, len(lines)+2)
}
