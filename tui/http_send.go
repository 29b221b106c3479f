package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// httpRun is a request from its submission to the end of its answer.
type httpRun struct {
	request   composed
	text      string
	began     time.Time
	ctx       context.Context
	cancel    context.CancelFunc
	cancelled bool
	in        *incoming
}

type (
	repliedMsg struct {
		run *httpRun
		doc *jsonDoc
		err error
	}
	askedMsg struct {
		run      *httpRun
		approval policy.Approval
		ch       <-chan policy.Approval
	}
	valueMsg struct {
		view *valueView
		how  Unmasking
		err  error
	}
)

// submit sends what is composed.
func (p *httpPage) submit() tea.Cmd {
	c := p.composed()
	switch {
	case p.run != nil:
		return alarm("a request is still under way: ctrl+c cancels it")
	case placeholder.MatchString(c.path):
		return alarm("the path holds " + placeholder.FindString(c.path) + ": fill it in first")
	}
	if n := len(p.history); n == 0 || p.history[n-1] != c {
		p.history = append(p.history, c)
		if len(p.history) > maxHistory {
			p.history = p.history[1:]
		}
	}
	return p.send(c, nil)
}

// send sends a request; with asked, its reason goes along.
func (p *httpPage) send(c composed, asked *asking) tea.Cmd {
	ctx, cancel := context.WithCancel(p.ctx)
	r := &httpRun{request: c, text: c.text(), began: p.now(), ctx: ctx, cancel: cancel, in: &incoming{now: p.o.Now}}
	p.run, p.value, p.finding = r, nil, nil
	p.reply = &httpReply{method: c.method, target: c.path}
	var ask *Ask
	var listen tea.Cmd
	if asked != nil {
		ch := make(chan policy.Approval, 16)
		ask = &Ask{Reason: asked.reason.Value(), Waiting: func(a policy.Approval) {
			select {
			case ch <- a:
			default: // a newer state will follow; the waiting one is not worth blocking for
			}
		}}
		listen = p.listen(r, ch)
	}
	svc := p.svc
	return tea.Batch(p.doWith(ctx, func(ctx context.Context) tea.Msg {
		err := svc.Request(ctx, r.text, ask, r.in)
		if err != nil {
			return repliedMsg{run: r, err: err}
		}
		return repliedMsg{run: r, doc: r.in.document()}
	}), listen)
}

// listen waits for news of an approval.
func (p *httpPage) listen(r *httpRun, ch <-chan policy.Approval) tea.Cmd {
	return p.doWith(r.ctx, func(ctx context.Context) tea.Msg {
		select {
		case a := <-ch:
			return askedMsg{r, a, ch}
		case <-ctx.Done():
			return nil
		}
	})
}

// updateRun handles what comes back from a request, and looks at what has come of
// its answer from time to time.
func (p *httpPage) updateRun(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case beatMsg:
		if p.run != nil {
			p.reply.take(p.run.in)
			if p.reply.status > 0 {
				p.ask = nil // it was approved, and runs
			}
		}
	case repliedMsg:
		if m.run == p.run {
			return p.replied(m)
		}
	case askedMsg:
		if m.run == p.run && p.ask != nil {
			p.ask.approval, p.ask.known = m.approval, true
			return p.listen(m.run, m.ch)
		}
	}
	return nil
}

// replied settles the request that ran.
func (p *httpPage) replied(m repliedMsg) tea.Cmd {
	m.run.cancel()
	p.run = nil
	var needed *policy.ApprovalNeeded
	if p.ask == nil && errors.As(m.err, &needed) {
		p.ask, p.reply = &asking{text: m.run.text, needed: needed}, nil
		return nil
	}
	p.ask = nil
	r := p.reply
	r.take(m.run.in)
	r.took, r.cancelled = p.now().Sub(m.run.began), m.run.cancelled
	r.end(m.doc, m.err)
	if r.status > 0 {
		p.focus = focusReply
	}
	return nil
}

// cancelRun ends the request at the service.
func (p *httpPage) cancelRun() tea.Cmd {
	p.run.cancelled = true
	p.run.cancel()
	return nil
}

func (p *httpPage) askKey(k tea.KeyPressMsg) tea.Cmd {
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
		return toast("nothing was requested, nothing was sent")
	case pressed(k, keys.Request):
		if strings.TrimSpace(a.reason.Value()) == "" {
			a.missing = true
			return nil
		}
		a.sent = true
		return p.send(p.history[len(p.history)-1], a)
	}
	a.missing = false
	a.reason.Key(k)
	return nil
}

// replyKey handles a key while the answer has the focus.
func (p *httpPage) replyKey(k tea.KeyPressMsg) tea.Cmd {
	r := p.reply
	switch s := k.String(); {
	case pressed(k, keys.Back), s == "i":
		p.focus = focusPath
	case s == "q":
		return p.askLeave()
	case pressed(k, keys.Headers):
		r.headers = !r.headers
	case pressed(k, keys.RawText) && r.doc != nil:
		r.raw, r.list = !r.raw, widget.List{}
	case pressed(k, keys.Find):
		p.finding = &widget.Input{}
		p.finding.Set(r.find)
	case s == "n", s == "N":
		if !r.next(r.width, map[string]int{"n": 1, "N": -1}[s], false) {
			return toast("it is nowhere else")
		}
	case pressed(k, keys.Masks):
		return p.openValue()
	case r.asDocument():
		return p.documentKey(s)
	default:
		r.list.Key(s, true)
	}
	return nil
}

// documentKey moves in a document and folds it.
func (p *httpPage) documentKey(s string) tea.Cmd {
	d, l := p.reply.doc, &p.reply.list
	if len(d.shown) == 0 {
		return nil
	}
	at := d.shown[min(l.Cursor(), len(d.shown)-1)]
	switch s {
	case "enter", "space", " ":
		if d.lines[at].close == 0 {
			return p.openValue()
		}
		at = d.fold(at, !d.folded[at])
	case "left":
		at = d.fold(at, true)
	case "right":
		at = d.fold(at, false)
	case "z", "Z":
		d.foldAll(s == "z")
	default:
		l.Key(s, true)
		return nil
	}
	l.SetLen(len(d.shown))
	l.Go(d.place(at))
	return nil
}

// findKey handles a key while one types what to look for.
func (p *httpPage) findKey(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		p.finding = nil
	case k.String() == "enter":
		p.reply.find, p.finding = p.finding.Value(), nil
		if p.reply.find != "" && !p.reply.next(p.reply.width, 1, true) {
			return toast("it is not in what is shown")
		}
	default:
		p.finding.Key(k)
	}
	return nil
}

// valueView is the panel of one value: all of it, and why it shows what it shows.
type valueView struct {
	path, text string
	masked     *connectors.Mark
	rule       policy.MaskRule // of the mask, where it is one by path
	top        int
	// who may see it is asked for.
	known bool
	how   Unmasking
	err   error
}

// openValue opens the panel for the line under the cursor.
func (p *httpPage) openValue() tea.Cmd {
	r := p.reply
	i := r.list.Cursor()
	v := &valueView{}
	switch {
	case r.asDocument() && i < len(r.doc.shown):
		l := &r.doc.lines[r.doc.shown[i]]
		v.path, v.text, v.masked = l.path, l.text, l.masked
		if l.close > 0 {
			v.text = count(int64(l.items), "value")
		}
	case !r.asDocument() && i < len(r.text):
		v.text, v.masked = r.plain(i), r.text[i].masked
	default:
		return nil
	}
	p.value = v
	if v.masked == nil || v.masked.By == "" {
		v.known = true
		return nil
	}
	v.rule = ruleOf(p.listing.Masks, v.masked.By, v.path)
	if v.rule.Path == "" {
		v.known = true
		return nil
	}
	svc, path := p.svc, v.rule.Path
	return p.do(func(ctx context.Context) tea.Msg {
		how, err := svc.Unmasking(ctx, path)
		return valueMsg{v, how, err}
	})
}

// ruleOf is the mask of that name that hides the value at path: of several, the one
// whose last key is in it.
func ruleOf(masks []policy.MaskRule, name, path string) (found policy.MaskRule) {
	path = strings.ToLower(path) + "."
	for _, m := range masks {
		if m.Name != name || m.Path == "" {
			continue
		}
		last := strings.ToLower(m.Path[strings.LastIndexByte(m.Path, '.')+1:])
		if strings.Contains(path, "."+last+".") || strings.Contains(path, "."+last+"[") {
			return m
		}
		if found.Path == "" {
			found = m
		}
	}
	return found
}

func (p *httpPage) valueKey(k tea.KeyPressMsg) {
	switch k.String() {
	case "esc", "enter", "q", "ctrl+c", "m":
		p.value = nil
	case "down", "j":
		p.value.top++
	case "up", "k":
		p.value.top = max(0, p.value.top-1)
	}
}

// failed says in words for people why there is no whole answer.
func (r *httpReply) failed() (title, body, hint string, cancelled bool) {
	var refusal *policy.Refusal
	switch {
	case errors.As(r.err, &refusal) && r.cancelled && refusal.By == "":
		return "Withdrawn", "the request was withdrawn, nothing was sent", "", true
	case errors.As(r.err, &refusal):
		title, body, hint = refused(refusal)
		return title, body, hint, false
	case r.cancelled, errors.Is(r.err, connectors.ErrCanceled), errors.Is(r.err, context.Canceled):
		return "Cancelled", "the request was cancelled and the service was told", "", true
	}
	return "The request failed", errorText(r.err), "", false
}
