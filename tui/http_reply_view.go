package tui

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

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
	if r.cancelled {
		parts = append(parts, p.warn.Render("cancelled"))
	}
	if int64(len(r.body)) < r.total {
		parts = append(parts, p.warn.Render("the first "+number(int64(len(r.body)))+" bytes are kept here"))
	}
	if n := len(r.marks); n > 0 {
		parts = append(parts, p.masked.Render(p.glyphs.mask+" "+count(int64(n), "value")+" masked"))
	}
	if typ := connectors.MediaType(r.fields); typ != "" {
		parts = append(parts, widget.Escape(typ))
	}
	parts = append(parts, number(r.total)+" bytes")
	if r.done {
		parts = append(parts, elapsed(r.took))
	} else if p.run != nil {
		parts = append(parts, clock(p.now().Sub(p.run.began)))
	}
	if r.find == "" || p.finding != nil {
		return inLine(parts, sep, w)
	}
	find := p.dim.Render("/" + widget.Escape(r.find) + " ")
	return widget.Sides(inLine(parts, sep, max(1, w-1-widget.Width(find))), find, w)
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
