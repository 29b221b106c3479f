package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// whyView is the panel with the explanation of the text in the editor.
type whyView struct {
	seq   int
	began time.Time
	known bool
	why   Why
	err   error
	top   int
	lines int
}

type whyMsg struct {
	seq int
	why Why
	err error
}

// askWhy opens the panel and asks for the explanation.
func (p *workspace) askWhy() tea.Cmd {
	text := strings.TrimSpace(p.editor.Value())
	if text == "" || strings.HasPrefix(text, `\`) {
		return toast("type a " + p.lang.statement + " first: f5 tells what the gate would do with it")
	}
	p.whySeq++
	v := &whyView{seq: p.whySeq, began: p.now()}
	p.why = v
	ws, raw := p.ws, p.editor.Value()
	return p.do(func(ctx context.Context) tea.Msg {
		why, err := ws.Explain(ctx, raw)
		return whyMsg{v.seq, why, err}
	})
}

func (p *workspace) tookWhy(m whyMsg) {
	if p.why != nil && p.why.seq == m.seq {
		p.why.known, p.why.why, p.why.err = true, m.why, m.err
	}
}

func (p *workspace) whyKey(k tea.KeyPressMsg) tea.Cmd {
	if p.why.key(k) {
		p.why = nil
	}
	return nil
}

// key handles a key; over says that the panel is done with.
func (v *whyView) key(k tea.KeyPressMsg) (over bool) {
	switch s := k.String(); {
	case s == "down" || s == "j":
		v.top++
	case s == "up" || s == "k":
		v.top--
	case s == "pgdown" || s == "space":
		v.top += 10
	case s == "pgup":
		v.top -= 10
	case s == "home" || s == "g":
		v.top = 0
	case s == "end" || s == "G":
		v.top = v.lines
	case pressed(k, keys.Explain), slices.Contains([]string{"esc", "enter", "q", "ctrl+c"}, s):
		return true
	}
	v.top = max(0, min(v.top, v.lines-1))
	return false
}

func (p *workspace) drawWhy(w, h int) []string { return p.drawWhyView(p.why, w, h) }

func (p *env) drawWhyView(v *whyView, w, h int) []string {
	var lines []string
	switch {
	case !v.known:
		lines = []string{" " + p.pending("asking", v.began)}
	case v.err != nil:
		for _, s := range widget.Wrap(errorText(v.err), max(1, w-4)) {
			lines = append(lines, " "+s)
		}
	default:
		for _, l := range v.why.Lines(max(1, w-4)) {
			lines = append(lines, " "+p.tone(l))
		}
	}
	v.lines = len(lines)
	room := max(1, h-2)
	v.top = max(0, min(v.top, len(lines)-room))
	foot := p.dim.Render("nothing ran")
	if len(lines)-v.top > room {
		foot = p.dim.Render(fmt.Sprintf("%s %d more", p.glyphs.more, len(lines)-v.top-room))
	}
	return widget.Box(p.border, p.accent, p.bold.Render("Why"), foot, lines[v.top:], w, h)
}

// tone draws a line as it is meant.
func (e *env) tone(l WhyLine) string {
	switch l.Tone {
	case ToneTitle:
		return e.bold.Render(l.Text)
	case ToneDim:
		return e.dim.Render(l.Text)
	case ToneGood:
		return e.ok.Render(e.glyphs.yes + " " + l.Text)
	case ToneAsk:
		return e.warn.Render(e.glyphs.ask + " " + l.Text)
	case ToneBad:
		return e.danger.Render(e.glyphs.no + " " + l.Text)
	case ToneCode:
		return e.accent.Render(l.Text)
	}
	return l.Text
}
