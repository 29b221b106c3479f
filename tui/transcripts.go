package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// transcripts is the list of recorded sessions that this person may see.
type transcripts struct {
	*env
	*scope
	all    []recorder.Head
	items  []widget.Item
	shown  []int
	list   widget.List
	filter widget.Input
	live   bool
	loaded bool
	asked  time.Time // for the list
	err    error
	opener *opener
}

type headsMsg struct {
	all   []recorder.Head
	items []widget.Item
	err   error
}

// MaxListed is how many transcripts are listed, the newest; search finds the rest.
const MaxListed = 5000

func newTranscripts(e *env) *transcripts {
	s := newScope(e.root)
	return &transcripts{env: e, scope: s, opener: &opener{e: e, s: s}}
}

func (p *transcripts) crumb() string { return "transcripts" }
func (p *transcripts) typing() bool  { return p.live || p.opener.prompt != nil }
func (p *transcripts) busy() string  { return "" }

func (p *transcripts) beat() time.Duration {
	if p.opener.busy || !p.loaded {
		return pendingBeat
	}
	return 0
}

func (p *transcripts) start() tea.Cmd {
	be := p.be
	p.asked = p.now()
	return p.do(func(ctx context.Context) tea.Msg {
		all, err := be.Transcripts(ctx)
		all = all[:min(len(all), MaxListed)]
		return headsMsg{all, itemsOf(all), err}
	})
}

func (p *transcripts) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case headsMsg:
		p.loaded, p.err = true, m.err
		if m.err == nil {
			p.take(m)
		}
	case playerMsg:
		return p.opener.opened(m)
	case endedMsg:
		return tea.Batch(m.told(), p.start())
	case tea.PasteMsg:
		if p.opener.prompt != nil {
			p.opener.prompt.words.Insert(m.Content)
			return nil
		}
		p.live = true
		p.filter.Insert(m.Content)
		p.refilter()
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

// itemsOf prepares the list for its filter.
func itemsOf(all []recorder.Head) []widget.Item {
	items := make([]widget.Item, len(all))
	for i, h := range all {
		items[i] = widget.NewItem(person(h.Header)+" "+h.Header.Resource, map[string]string{
			"id": string(h.ID), "kind": h.Header.Kind, "action": h.Header.Action, "on": h.Header.Resource,
			"by": person(h.Header), "state": endState(h), "day": h.Header.Started.UTC().Format("2006-01-02"),
		})
	}
	return items
}

func (p *transcripts) take(m headsMsg) {
	var id recorder.ID
	if h := p.current(); h != nil && p.list.Cursor() > 0 { // at the top one stays with the newest
		id = h.ID
	}
	p.all, p.items = m.all, m.items
	p.refilter()
	for i, j := range p.shown {
		if p.all[j].ID == id {
			p.list.Go(i)
		}
	}
}

func (p *transcripts) refilter() {
	f := widget.ParseFilter(p.filter.Value())
	p.shown = p.shown[:0]
	for i := range p.items {
		if f.Match(&p.items[i]) {
			p.shown = append(p.shown, i) // newest first, whatever matches best
		}
	}
	p.list.SetLen(len(p.shown))
}

// person is whose session it was.
func person(h recorder.Header) string {
	if h.Identity.Email != "" {
		return h.Identity.Email
	}
	return h.Identity.Subject
}

func endState(h recorder.Head) string {
	switch {
	case goesOn(&h):
		return "live"
	case h.Ended == nil:
		return "open"
	}
	return h.Ended.Reason
}

func (p *transcripts) key(k tea.KeyPressMsg) tea.Cmd {
	if cmd, ok := p.opener.key(k); ok {
		return cmd
	}
	if h := p.current(); !p.live && goesOn(h) {
		switch {
		case pressed(k, keys.Watch):
			return p.opener.open(opening{id: h.ID, watch: true}, "")
		case pressed(k, keys.EndIt):
			p.opener.end(*h)
			return nil
		}
	}
	switch s := k.String(); {
	case pressed(k, keys.Enter):
		return p.open()
	case pressed(k, keys.Back), p.live && pressed(k, keys.Stop):
		p.live = false
		p.filter.Set("")
		p.refilter()
		return nil
	case !p.live && pressed(k, keys.Search):
		return say(pushMsg{newSearch(p.env)})
	case pressed(k, keys.Refresh):
		return p.start()
	case p.list.Key(s, !p.live):
		return nil
	case p.live && s == "backspace" && p.filter.Value() == "":
		p.live = false
		return nil
	}
	if _, ok := typed(k); ok {
		p.live = true
	}
	if p.live && p.filter.Key(k) {
		p.refilter()
		p.list.Go(0)
	}
	return nil
}

// current is the selected transcript, nil for none.
func (p *transcripts) current() *recorder.Head {
	if i := p.list.Cursor(); i < len(p.shown) {
		return &p.all[p.shown[i]]
	}
	return nil
}

// goesOn reports whether it is the transcript of a session that is live.
func goesOn(h *recorder.Head) bool {
	return h != nil && h.Ended == nil && h.Header.Kind != recorder.KindBastion
}

func (p *transcripts) open() tea.Cmd {
	h := p.current()
	if h == nil {
		return nil
	}
	return p.opener.open(opening{id: h.ID}, "")
}

func (p *transcripts) keys() []key.Binding {
	replay := bind("enter", "replay", "enter")
	if p.live {
		return []key.Binding{replay, bind("esc", "clear filter", "esc"), bind("↑/↓", "move", "up", "down")}
	}
	if p.opener.prompt != nil {
		return []key.Binding{keys.Send, keys.Back}
	}
	watch, end := keys.Watch, keys.EndIt
	watch.SetEnabled(goesOn(p.current()))
	end.SetEnabled(goesOn(p.current()))
	return []key.Binding{replay, keys.Search, watch, end, keys.Type, keys.Move, keys.Quit, keys.Ends, keys.Refresh}
}

func (p *transcripts) explain() []string {
	return []string{"The filter knows fields too: by:alice on:orders-db action:shell state:live day:2026-11-23. !word leaves out. / searches what was said in them."}
}

func (p *transcripts) view(w, h int) []string {
	lines := []string{p.filterLine(w)}
	switch {
	case p.err != nil:
		return append(lines, "", " "+p.danger.Render(p.glyphs.no)+" transcripts cannot be listed: "+widget.Escape(p.err.Error()), " "+p.dim.Render("ctrl+r tries again"))
	case !p.loaded:
		return append(lines, " "+p.pending("loading", p.asked))
	case len(p.all) == 0:
		return append(lines, "", " "+p.bold.Render("No session was recorded yet."), " "+p.dim.Render("Open a resource (1), and find its transcript here."))
	case len(p.shown) == 0:
		return append(lines, "", " nothing matches", " "+p.dim.Render("esc clears the filter"))
	}
	if !p.small {
		lines = append(lines, " "+p.dim.Render(p.columns(w, "started", "person", "resource", "action", "lasted", "ops", "state")))
	}
	from, to := p.list.Window(max(1, h-len(lines)))
	for i := from; i < to; i++ {
		lines = append(lines, p.row(p.all[p.shown[i]], w, i == p.list.Cursor()))
	}
	return lines
}

// tight writes a duration in fewer cells.
var tight = strings.NewReplacer(" min ", "m", " h ", "h", " min", "m", " s", "s", " h", "h")

// columns lays out one line; the less important ones go first when it is narrow.
func (p *transcripts) columns(w int, started, person, resource, action, took, ops, state string) string {
	fit := func(s string, n int) string { return widget.Fit(s, n) + " " }
	line := fit(started, 16) + fit(person, min(40, w/5)) + fit(resource, min(32, w/6)) + fit(action, 10) + fit(took, 12) + widget.FitRight(ops, 4) + "  " + state
	switch {
	case w < 60:
		line = fit(person, w/2-2) + resource
	case w < 100:
		line = fit(started, 12) + fit(person, 18) + fit(resource, 13) + fit(strings.TrimSuffix(action, "rnetes"), 7) + fit(tight.Replace(took), 7) + widget.FitRight(ops, 3) + " " + state
	}
	return widget.Fit(line, w-2)
}

func (p *transcripts) row(h recorder.Head, w int, selected bool) string {
	layout := "Jan 02 15:04"
	if w >= 100 {
		layout = "2006-01-02 15:04"
	}
	name := h.Header.Resource
	if name == "" {
		name = "the bastion"
	}
	text := p.columns(w, h.Header.Started.UTC().Format(layout), widget.Escape(person(h.Header)), widget.Escape(name),
		widget.Escape(h.Header.Action), headState(p.env, h), fmt.Sprint(h.Operations), widget.Escape(endState(h)))
	if selected {
		return p.accent.Render(p.glyphs.pointer) + p.selected.Under(widget.Fit(text, w-1))
	}
	if goesOn(&h) {
		return p.danger.Render(p.glyphs.bullet) + widget.Fit(text, w-1)
	}
	return " " + widget.Fit(text, w-1)
}

func (p *transcripts) filterLine(w int) string {
	switch {
	case p.opener.prompt != nil:
		return p.promptLine(p.opener.prompt, w)
	case p.opener.busy:
		return " " + p.pending("opening", p.opener.began)
	}
	n := fmt.Sprintf("%d ", len(p.all))
	if len(p.all) == MaxListed {
		n = "the newest " + n
	}
	if len(p.shown) != len(p.all) {
		n = fmt.Sprintf("%d of %d ", len(p.shown), len(p.all))
	}
	right := p.dim.Render(n)
	if !p.live && strings.TrimSpace(p.filter.Value()) == "" {
		return widget.Sides(" "+p.dim.Render("type to filter: person, resource, action:shell, state:live"), right, w)
	}
	return " " + p.accent.Render("/") + " " + p.filter.View(max(2, w-3-widget.Width(n)), p.text, p.cursor) + right
}
