package tui

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/connectors"
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
	return p.verdictLines(p.verdict, w, most)
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

// chop breaks escaped text into pieces of at most w cells.
func chop(s string, w int) []string {
	out := []string{}
	for len(s) > 0 {
		n := fits([]byte(s), w)
		out, s = append(out, s[:n]), s[n:]
	}
	if len(out) == 0 {
		out = append(out, "")
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

// drawReply is the answer: its status, its header fields where they are asked for,
// and its body.
func (p *httpPage) drawReply(w, h int) []string {
	r := p.reply
	status := []string{p.drawStatus(w)}
	if r.done && r.err != nil && !r.cancelled {
		title, body, _, _ := r.failed()
		status = append(status, " "+p.danger.Render(p.glyphs.no)+" "+widget.Truncate(title+": "+strings.ReplaceAll(body, "\n", " "), max(1, w-4)))
	}
	if p.finding != nil {
		status = append(status, " "+p.accent.Render("/")+" "+p.finding.View(max(2, w-6), p.text, p.cursor))
	}
	var head []string
	if r.headers {
		for _, f := range r.fields {
			v := widget.Escape(f.Value)
			if f.Masked {
				v = p.masked.Render(p.glyphs.mask + " " + v)
			}
			head = append(head, widget.Truncate(" "+p.accent.Render(widget.Escape(f.Name))+p.dim.Render(": ")+v, w))
		}
		if most := max(1, (h-len(status))/2); len(head) > most {
			head = append(head[:most-1], " "+p.dim.Render(fmt.Sprintf("%s %d more header fields", p.glyphs.more, len(head)-most+1)))
		}
		head = append(head, p.faint.Render(widget.Rule(p.glyphs.rule, w)))
	}
	out := append(status[:1:1], head...)
	room := h - len(out) - len(status) + 1
	return append(append(out, p.drawBody(w, max(0, room))...), status[1:]...)
}

func (p *httpPage) drawStatus(w int) string {
	r := p.reply
	style, sign := p.ok, p.glyphs.yes
	switch {
	case r.err != nil:
		style, sign = p.warn, p.glyphs.no
	case r.status >= 400:
		style, sign = p.danger, p.glyphs.no
	case r.status >= 300:
		style, sign = p.warn, p.glyphs.bullet
	}
	if !r.done {
		sign = p.spinner()
	}
	sep := p.faint.Render(" " + p.glyphs.bullet + " ")
	parts := []string{style.Render(sign+" ") + style.With(p.bold).Render(connectors.StatusText(r.status))}
	if typ := connectors.MediaType(r.fields); typ != "" {
		parts = append(parts, widget.Escape(typ))
	}
	parts = append(parts, number(r.total)+" bytes")
	if r.done {
		parts = append(parts, elapsed(r.took))
	} else if p.run != nil {
		parts = append(parts, clock(p.now().Sub(p.run.began)))
	}
	if n := len(r.marks); n > 0 {
		parts = append(parts, p.masked.Render(p.glyphs.mask+" "+count(int64(n), "value")+" masked"))
	}
	if int64(len(r.body)) < r.total {
		parts = append(parts, p.warn.Render("the first "+number(int64(len(r.body)))+" bytes are kept here"))
	}
	if r.cancelled {
		parts = append(parts, p.warn.Render("cancelled"))
	}
	left := " " + strings.Join(parts, sep)
	if r.find != "" && p.finding == nil {
		return widget.Sides(left, p.dim.Render("/"+widget.Escape(r.find))+" ", w)
	}
	return widget.Truncate(left, w)
}

func (p *httpPage) drawBody(w, h int) []string {
	r := p.reply
	n := r.lines(max(1, w-3))
	r.list.SetLen(n)
	if n == 0 {
		return []string{" " + p.dim.Render(map[bool]string{true: "no body", false: ""}[r.done])}
	}
	if !r.done { // what comes is followed
		r.list.Go(n - 1)
	}
	from, to := r.list.Window(max(1, h))
	var out []string
	for i := from; i < to; i++ {
		line := ""
		if r.asDocument() {
			line = p.drawLine(&r.doc.lines[r.doc.shown[i]], r.doc.folded[r.doc.shown[i]], w-3)
		} else {
			line = p.drawText(r.text[i])
		}
		if p.focus == focusReply && i == r.list.Cursor() {
			out = append(out, p.accent.Render(p.glyphs.pointer)+p.selected.Under(widget.Fit(" "+line, w-1)))
			continue
		}
		out = append(out, "  "+line)
	}
	return out
}

func (p *httpPage) drawText(t textLine) string {
	s := widget.Escape(string(p.reply.body[t.from:t.to]))
	if t.masked == nil {
		return s
	}
	return p.markWords(s)
}

// markWords draws what stands in brackets in a line in which something is masked.
func (p *httpPage) markWords(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '[')
		if i < 0 {
			b.WriteString(s)
			break
		}
		n := strings.IndexByte(s[i:], ']')
		if n < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		b.WriteString(p.masked.Render(s[i : i+n+1]))
		s = s[i+n+1:]
	}
	return b.String()
}

// drawLine draws a line of a document.
func (p *httpPage) drawLine(l *jsonLine, folded bool, w int) string {
	text := widget.Escape(l.text)
	switch {
	case l.masked != nil:
		text = p.masked.Render(p.glyphs.mask + " " + text)
	case l.kind == jsonString:
		text = p.sql[widget.TokenString].Render(text)
	case l.kind == jsonNumber:
		text = p.sql[widget.TokenNumber].Render(text)
	case l.kind == jsonWord:
		text = p.sql[widget.TokenKeyword].Render(text)
	}
	if folded {
		text += p.dim.Render(" "+widget.Ellipsis+" "+count(int64(l.items), "value")+" ") + map[string]string{"{": "}", "[": "]"}[l.text]
	}
	if l.comma {
		text += p.dim.Render(",")
	}
	key := ""
	if l.key != "" {
		key = p.accent.Render(widget.Escape(l.key)) + p.dim.Render(": ")
	}
	return widget.Truncate(widget.Spaces(min(2*l.depth, max(0, w/2)))+key+text, max(1, w))
}

// drawValue is the panel of one value.
func (p *httpPage) drawValue(w, h int) []string {
	v := p.value
	var lines []string
	add := func(label, text string) {
		for i, s := range widget.Wrap(text, max(1, w-15)) {
			if i > 0 {
				label = ""
			}
			lines = append(lines, " "+p.dim.Render(widget.Fit(label, 11))+s)
		}
	}
	if v.path != "" {
		add("Path", widget.Escape(v.path))
	}
	switch {
	case v.masked == nil:
		add("Shown", "nothing masks this for you")
	case v.rule.Path != "":
		add("Mask", widget.Escape(v.rule.Name)+" ("+widget.Escape(v.rule.Path)+")")
		add("Method", widget.Escape(v.rule.Method)+": "+methodWords[v.rule.Method])
	case v.masked.By != "":
		add("Detected", "the detector "+widget.Escape(v.masked.By)+" found something in it, which its name replaces")
	default:
		add("Masked", "a content detector found something in it, or it is no JSON where paths are masked, so that it is withheld")
	}
	if v.masked != nil {
		p.whoSees(v, add)
		add("Transcript", "it is kept masked there, whoever looks")
	}
	lines = append(lines, "")
	text := chop(widget.Escape(v.text), max(1, w-4))
	room := max(1, h-len(lines)-2)
	v.top = min(v.top, max(0, len(text)-room))
	for _, s := range text[v.top:min(len(text), v.top+room)] {
		lines = append(lines, " "+s)
	}
	style := p.accent
	if v.masked != nil {
		style = p.masked
	}
	return widget.Box(p.border, style, p.bold.Render("Value"), p.dim.Render("esc closes"), lines, w, min(h, len(lines)+2))
}

// whoSees says who may see the value.
func (p *httpPage) whoSees(v *valueView, add func(label, text string)) {
	switch {
	case v.rule.Path == "":
	case !v.known:
		add("Seen by", widget.Ellipsis)
	case v.err != nil:
		add("Seen by", errorText(v.err))
	case len(v.how.Roles) == 0:
		add("Seen by", "nobody: no role reveals it")
	default:
		add("Seen by", escapeAll(v.how.Roles, ", "))
	}
}
