package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// workspace is one open session on a database: an editor with its verdict, the
// tables, and the last answer.
type workspace struct {
	*env
	*scope
	listing Listing
	ws      Workspace
	lang    language

	editor  widget.Editor
	spent   bool // the text was run: the next character replaces it
	leaving bool // esc was pressed once with text in the editor
	focus   focus
	history []string
	recall  int // index into history while going through it, -1 else
	finder  *finder

	completion completion
	may        completable // what canComplete found last

	verdict verdict
	tables  tables
	run     *running // the statement that runs, nil for none
	ask     *asking  // the approval that is being asked for, nil for none
	answer  *answer  // the last one, nil before the first
	ended   error
	over    bool // the session was ended from behind
	gone    bool // leave was called
	screen  struct {
		schema bool // the list at the side is wanted
		seen   bool // and was drawn
	}
	record record
	cell   *cellView
	mask   *maskView
	why    *whyView // the explanation that is shown, nil for none
	whySeq int
}

type focus uint8

const (
	focusEditor focus = iota
	focusTables
	focusGrid
)

// verdict is what the gate would say to the text in the editor.
type verdict struct {
	seq      int // of the text that was judged last or is being judged
	known    bool
	decision policy.Decision
	facts    policy.Facts
	err      error
	stop     context.CancelFunc // ends the judgement that is under way; may be nil
	rows     int                // lines of the one that was known last
}

type (
	judgeDue   struct{ seq int }
	judgedMsg  struct{ verdict }
	catalogMsg struct {
		all []connectors.Relation
		err error
		// database says that a schema of the kind is a database, of which a session has one.
		database bool
	}
	sessionOverMsg struct{ err error }
)

// judgeDelay is how long the keys must rest before the text is judged.
const judgeDelay = 150 * time.Millisecond

func newWorkspace(e *env, l Listing, ws Workspace) *workspace {
	p := &workspace{env: e, scope: newScope(e.root), listing: l, ws: ws, lang: languageOf(l.Kind), recall: -1}
	p.editor.Colour = p.lang.colour
	p.screen.schema = true
	return p
}

func (p *workspace) crumb() string { return p.listing.Name }

func (p *workspace) note(w int) string { return p.recorded(p.listing.Resource, p.ws.ID(), p.over, w) }

// recorded is a session's place and state, beside the bread crumbs, as much of it as
// w cells hold.
func (p *env) recorded(res policy.Resource, id recorder.ID, over bool, w int) string {
	s := p.production(res)
	if s != "" {
		s += "  "
	}
	rec := p.danger.Render("●") + p.dim.Render(" recorded")
	if asciiTerm(p.o.Term) {
		rec = p.dim.Render("recorded")
	}
	if over {
		rec = p.dim.Render("ended")
	}
	whole := s + rec + " " + p.dim.Render(widget.Clip(string(id), 26))
	switch {
	case widget.Width(whole) <= w:
		return whole
	case widget.Width(s+rec) <= w:
		return s + rec
	}
	return p.production(res)
}

func (p *workspace) typing() bool {
	switch {
	case p.over || p.cell != nil || p.mask != nil || p.why != nil:
		return false
	case p.finder != nil:
		return true
	case p.ask != nil:
		return !p.ask.sent
	}
	return p.focus == focusEditor || p.focus == focusTables && p.tables.live
}

func (p *workspace) busy() string {
	switch {
	case p.gone || p.over:
		return ""
	case p.ask != nil && p.ask.sent:
		return "On " + p.listing.Name + " a request waits for approval; it would be withdrawn."
	case p.run != nil:
		return "On " + p.listing.Name + " a " + p.lang.statement + " is running; it would be cancelled."
	}
	return ""
}

func (p *workspace) beat() time.Duration {
	switch {
	case p.run != nil || p.answer != nil && p.answer.toEnd:
		return 125 * time.Millisecond
	case p.ask != nil && p.ask.sent:
		return 250 * time.Millisecond
	case p.tables.loading, p.why != nil && !p.why.known:
		return pendingBeat
	}
	return 0
}

func (p *workspace) start() tea.Cmd {
	ws := p.ws
	return tea.Batch(p.loadCatalog(), p.do(func(ctx context.Context) tea.Msg {
		select {
		case <-ws.Ended():
			return sessionOverMsg{ws.Err()}
		case <-ctx.Done():
			return nil
		}
	}))
}

func (p *workspace) loadCatalog() tea.Cmd {
	ws, database := p.ws, p.lang.database
	p.tables.loading, p.tables.began = true, p.now()
	return p.do(func(ctx context.Context) tea.Msg {
		all, err := ws.Catalog(ctx)
		return catalogMsg{all, err, database}
	})
}

// leave cancels what runs and closes the session.
func (p *workspace) leave() tea.Cmd {
	p.gone = true
	p.stop(errLeft)
	ws, set, name, a := p.ws, p.env.open, p.listing.Name, p.answer
	return func() tea.Msg {
		if a != nil && a.stream != nil {
			a.stream.close()
		}
		if err := set.end(ws); err != nil {
			return toastMsg{text: name + " was left, but: " + err.Error(), bad: true}
		}
		return nil
	}
}

func (p *workspace) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		if p.over {
			return say(backMsg{p.scope})
		}
		if err := p.ws.Key(m.String()); err != nil {
			return p.lost(err)
		}
		return p.key(m)
	case tea.PasteMsg:
		if p.over {
			return nil
		}
		if err := p.ws.Key(m.Content); err != nil {
			return p.lost(err)
		}
		return p.paste(m.Content)
	case judgeDue:
		return p.judge(m.seq)
	case judgedMsg:
		if m.seq == p.verdict.seq {
			m.verdict.rows = p.verdict.rows
			p.verdict = m.verdict
		}
	case whyMsg:
		p.tookWhy(m)
	case unmaskingMsg:
		if m.view == p.mask {
			m.view.known, m.view.how, m.view.err = true, m.how, m.err
		}
	case catalogMsg:
		p.tables.take(m)
	case sessionOverMsg:
		return p.lost(m.err)
	default:
		return p.updateRun(msg)
	}
	return nil
}

// lost ends the page's session: the recorder failed, the right was lost, or the
// target is gone. Nothing can be typed into it any more.
func (p *workspace) lost(err error) tea.Cmd {
	if p.over || p.gone {
		return nil
	}
	p.over, p.ended = true, err
	p.run, p.ask, p.finder, p.cell, p.mask, p.why = nil, nil, nil, nil, nil, nil
	p.stop(errLeft)
	return nil
}

func (p *workspace) paste(text string) tea.Cmd {
	switch {
	case p.cell != nil, p.mask != nil, p.why != nil:
	case p.finder != nil:
		p.finder.input.Insert(text)
		p.finder.refilter()
	case p.ask != nil:
		if !p.ask.sent {
			p.ask.reason.Insert(text)
		}
	case p.focus == focusTables && p.tables.live:
		p.tables.filter.Insert(text)
		p.tables.layout()
	case p.focus == focusEditor:
		p.replaceSpent()
		p.editor.Insert(text)
		return p.edited()
	}
	return nil
}
