package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// search finds text in transcripts and leads to the moment.
type search struct {
	*env
	*scope
	opener *opener
	input  widget.Input
	list   widget.List
	found  Found
	asked  string // what found is the answer to
	done   bool   // there is an answer
	going  context.CancelFunc
	began  time.Time
	n      int
	err    error
	typed  bool // keys go to the line, not to the list
}

type foundMsg struct {
	n     int
	found Found
	err   error
}

func newSearch(e *env) *search {
	s := newScope(e.root)
	return &search{env: e, scope: s, opener: &opener{e: e, s: s}, typed: true}
}

func (p *search) crumb() string  { return "search" }
func (p *search) typing() bool   { return p.typed || p.opener.prompt != nil }
func (p *search) busy() string   { return "" }
func (p *search) start() tea.Cmd { return nil }

func (p *search) beat() time.Duration {
	if p.going != nil || p.opener.busy {
		return pendingBeat
	}
	return 0
}

func (p *search) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case foundMsg:
		return p.take(m)
	case playerMsg:
		return p.opener.opened(m)
	case tea.PasteMsg:
		if p.opener.prompt != nil {
			p.opener.prompt.words.Insert(m.Content)
		} else if p.typed {
			p.input.Insert(m.Content)
		}
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

func (p *search) key(k tea.KeyPressMsg) tea.Cmd {
	if cmd, ok := p.opener.key(k); ok {
		return cmd
	}
	s := k.String()
	switch {
	case p.going != nil && (pressed(k, keys.Back) || pressed(k, keys.Stop)):
		p.cancel()
		p.n++ // what comes of it is not waited for
		p.asked = ""
	case pressed(k, keys.Back), pressed(k, keys.Stop), !p.typed && s == "q":
		return say(backMsg{p.scope})
	case s == "enter" && (p.input.Value() != p.asked || !p.done):
		return p.run("")
	case s == "enter":
		return p.enter()
	case s == "tab":
		p.typed = !p.typed
	case !p.typed && pressed(k, keys.Filter):
		p.typed = true
	case p.list.Key(s, !p.typed):
		return nil
	case p.typed:
		p.input.Key(k)
	}
	return nil
}

// enter goes to the moment of a hit.
func (p *search) enter() tea.Cmd {
	if i := p.list.Cursor(); i < len(p.found.Hits) {
		h := p.found.Hits[i]
		of := opening{id: h.ID, at: h.Event}
		if h.What == "output" || h.What == "input" { // a hit is where a run of these begins
			of.find = h.Match
		}
		return p.opener.open(of, p.found.Reason)
	}
	return nil
}

func (p *search) cancel() {
	if p.going != nil {
		p.going()
		p.going = nil
	}
}

// run searches; an answer to what was asked before is not waited for.
func (p *search) run(reason string) tea.Cmd {
	q, err := ParseQuery(p.input.Value(), p.now())
	p.err, p.asked, p.done = err, p.input.Value(), err != nil
	p.cancel()
	if err != nil || strings.TrimSpace(p.asked) == "" {
		return nil
	}
	q.Reason = reason
	ctx, cancel := context.WithCancel(p.ctx)
	p.going, p.began = cancel, p.now()
	p.n++
	n, be := p.n, p.be
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		found, err := be.Search(ctx, q)
		found.Reason = reason
		return foundMsg{n, found, err}
	})
}

func (p *search) take(m foundMsg) tea.Cmd {
	if m.n != p.n {
		return nil
	}
	p.cancel()
	p.done, p.err, p.found = true, m.err, m.found
	p.list.SetLen(len(p.found.Hits))
	p.list.Go(0)
	if p.err == nil && p.found.Withheld > 0 && p.found.Reason == "" {
		p.opener.prompt = &prompt{label: fmt.Sprintf("%s shown only to who says why", count(int64(p.found.Withheld), "more transcript")),
			then: func(text string) tea.Cmd { return p.run(text) }}
	}
	return nil
}

func (p *search) keys() []key.Binding {
	return []key.Binding{bind("enter", "find, then go there", "enter"), keys.Move, bind("tab", "line, list", "tab"), keys.Back}
}

func (p *search) explain() []string {
	return []string{"Words must all occur, in any case; \"in quotes\" they are one.",
		"Fields narrow it: " + strings.Join(queryFields, ": ") + ": and destructive:yes. Times are 2026-11-23, 2026-11-23T19:30 (UTC), or how long ago: 90m, 2d.",
		"What is found in sessions of others is on record."}
}

func (p *search) view(w, h int) []string {
	first := " " + p.accent.Render("/") + " " + p.input.View(max(2, w-4), p.text, p.cursor)
	if p.input.Value() == "" {
		first = widget.Fit(" "+p.accent.Render("/")+" "+p.cursor.Render(" ")+p.dim.Render(" words  person:alice verdict:deny resource:orders-db since:2d"), w)
	}
	if p.opener.prompt != nil {
		first = p.promptLine(p.opener.prompt, w)
	}
	lines := []string{first}
	switch {
	case p.going != nil:
		return append(lines, " "+p.pending("searching", p.began)+p.dim.Render("  esc cancels"))
	case p.opener.busy:
		lines[0] = " " + p.pending("opening", p.opener.began)
	case p.err != nil:
		for _, s := range widget.Wrap(errorText(p.err), max(1, w-4)) {
			lines = append(lines, " "+p.danger.Render(p.glyphs.no)+" "+s)
		}
		return lines
	case !p.done:
		return append(lines, "", " "+p.dim.Render("enter finds it in what was asked, typed, shown and answered"))
	case len(p.found.Hits) == 0:
		return append(lines, "", " nothing was found", " "+p.dim.Render("in the transcripts that you may see"))
	}
	note := count(int64(len(p.found.Hits)), "hit")
	if p.found.Behind {
		note += ", the newest may be missing"
	}
	lines = append(lines, " "+p.dim.Render(note))
	from, to := p.list.Window(max(1, (h-len(lines))/2))
	for i := from; i < to; i++ {
		lines = append(lines, p.row(p.found.Hits[i], w, i == p.list.Cursor())...)
	}
	return lines
}

// row is a hit on two lines: where it is, and what stands there.
func (p *search) row(h Hit, w int, selected bool) []string {
	verdict := ""
	switch h.Verdict {
	case "allow":
		verdict = p.ok.Render(p.glyphs.yes) + " " + widget.Escape(h.Rule)
	case "deny":
		verdict = p.danger.Render(p.glyphs.no) + " " + widget.Escape(h.Rule)
	case "approve":
		verdict = p.warn.Render(p.glyphs.ask) + " " + widget.Escape(h.Rule)
	}
	on := h.Resource
	if on == "" {
		on = "the bastion"
	}
	who := fmt.Sprintf("  %s  %s  %s", widget.Escape(h.Person), widget.Escape(on), h.What)
	where := h.At.UTC().Format("2006-01-02 15:04:05") + who
	if room := w - 3 - widget.Width(verdict); widget.Width(where) > room {
		if where = h.At.UTC().Format("Jan 02 15:04") + who; widget.Width(where) > room && verdict != "" {
			verdict = widget.Truncate(verdict, max(1, w-3-widget.Width(where)))
		}
	}
	sign := " "
	if selected {
		sign, where = p.accent.Render(p.glyphs.pointer), p.bold.Render(where)
	}
	text := p.dim.Render(widget.Escape(h.Before)) + p.accent.Render(widget.Escape(h.Match)) + p.dim.Render(widget.Escape(h.After))
	return []string{widget.Fit(sign+widget.Sides(where, verdict+" ", w-1), w), widget.Fit("   "+text, w)}
}
