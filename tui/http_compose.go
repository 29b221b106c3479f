package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// composed is a request as it is written into the page.
type composed struct{ method, path, headers, body string }

// text is the request as it is judged and sent.
func (c composed) text() string {
	var b strings.Builder
	b.WriteString(c.method + " " + c.path + "\n")
	for l := range strings.SplitSeq(c.headers, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			b.WriteString(l + "\n")
		}
	}
	b.WriteString("\n" + c.body)
	return b.String()
}

func (p *httpPage) paste(text string) tea.Cmd {
	switch {
	case p.value != nil, p.why != nil:
		return nil
	case p.finder != nil:
		p.finder.input.Insert(text)
		p.finder.refilter()
		return nil
	case p.filling != nil:
		p.filling.input.Insert(text)
		return nil
	case p.finding != nil:
		p.finding.Insert(text)
		return nil
	case p.ask != nil:
		if !p.ask.sent {
			p.ask.reason.Insert(text)
		}
		return nil
	}
	switch p.focus {
	case focusMethod:
		p.method.Insert(strings.ToUpper(strings.TrimSpace(text)))
	case focusPath:
		p.path.Insert(strings.TrimSpace(text))
	case focusHeaders:
		p.headers.Insert(text)
	case focusBody:
		p.body.Insert(text)
	default:
		return nil
	}
	return p.edited()
}

var methodsKnown = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// composeKey handles a key while the request has the focus.
func (p *httpPage) composeKey(k tea.KeyPressMsg) tea.Cmd {
	before := p.composed()
	line := p.focus == focusMethod || p.focus == focusPath
	switch s := k.String(); {
	case s == "enter" && line:
		return p.submit()
	case pressed(k, keys.Stop):
		p.set(composed{method: "GET", path: "/"})
		p.focus = focusPath
		return p.edited()
	case pressed(k, keys.LeaveSQL) && p.composed() == (composed{method: "GET", path: "/"}):
		return p.askLeave()
	case pressed(k, keys.Back):
		if p.leaving || p.reply != nil || before == (composed{method: "GET", path: "/"}) {
			return p.askLeave()
		}
		p.leaving = true
		return toast("esc again leaves " + p.listing.Name)
	case p.focus == focusMethod && (s == "up" || s == "down"):
		p.cycleMethod(map[string]int{"up": -1, "down": 1}[s])
	case p.focus == focusPath && s == "down":
		p.nextFocus(false)
		return nil
	case p.focus == focusMethod:
		p.method.Key(k)
		p.method.Set(strings.ToUpper(p.method.Value()))
	case p.focus == focusPath:
		p.path.Key(k)
	case p.focus == focusHeaders:
		p.headers.Key(k)
	default:
		p.body.Key(k)
	}
	if p.composed() == before {
		return nil
	}
	return p.edited()
}

func (p *httpPage) cycleMethod(d int) {
	at := 0
	for i, m := range methodsKnown {
		if m == p.method.Value() {
			at = i
		}
	}
	p.method.Set(methodsKnown[(at+d+len(methodsKnown))%len(methodsKnown)])
}

func (p *httpPage) composed() composed {
	return composed{p.method.Value(), p.path.Value(), p.headers.Value(), p.body.Value()}
}

func (p *httpPage) set(c composed) {
	p.method.Set(c.method)
	p.path.Set(c.path)
	p.headers.Set(c.headers)
	p.body.Set(c.body)
}

// edited asks for a verdict once the keys rest.
func (p *httpPage) edited() tea.Cmd {
	if p.verdict.stop != nil {
		p.verdict.stop() // nobody waits for what is stale
	}
	p.verdict = verdict{seq: p.verdict.seq + 1, rows: p.verdict.rows}
	return p.after(judgeDelay, judgeDue{p.verdict.seq})
}

func (p *httpPage) judge(seq int) tea.Cmd {
	if seq != p.verdict.seq || p.over {
		return nil
	}
	text, svc := p.composed().text(), p.svc
	ctx, stop := context.WithCancel(p.ctx)
	p.verdict.stop = stop
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		defer stop()
		d, f, err := svc.Judge(ctx, text)
		return judgedMsg{verdict{seq: seq, known: true, decision: d, facts: f, err: err}}
	})
}
