package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// picker is the list of what this person may open.
type picker struct {
	*env
	*scope
	all    []Listing
	items  []widget.Item
	shown  []int // indexes into all
	list   widget.List
	filter widget.Input
	live   bool // the filter takes the keys
	loaded bool
	asked  time.Time // for the list
	err    error

	favoured, recent map[string]bool // by name: why they come first
	last             string          // what was opened last on this connection

	top  int    // of the preview
	rest int    // lines of it below what is seen
	room int    // lines of it that are seen
	seen string // whose it is

	opening string // resource that is being opened
	began   time.Time
	failed  struct { // what opened last did not, and why
		name string
		err  error
	}
	cancel context.CancelFunc
	try    int // counts openings: a cancelled one may still answer
}

type (
	listedMsg struct {
		all      []Listing
		favoured []string
		err      error
	}
	openedMsg struct {
		try     int
		listing Listing
		ws      opened
		set     *openSet
		err     error
	}
)

// discard closes a workspace that came when nobody wanted it any more.
func (m openedMsg) discard() {
	if m.ws != nil {
		_ = m.set.end(m.ws)
	}
}

func newPicker(e *env) *picker { return &picker{env: e, scope: newScope(e.root)} }

func (p *picker) crumb() string { return "resources" }
func (p *picker) typing() bool  { return p.live }

func (p *picker) busy() string { return "" }

func (p *picker) beat() time.Duration {
	if p.opening != "" || !p.loaded {
		return pendingBeat
	}
	return 0
}

func (p *picker) start() tea.Cmd {
	be := p.be
	p.asked = p.now()
	return p.do(func(ctx context.Context) tea.Msg {
		all, err := be.Resources(ctx)
		return listedMsg{all, favourites(ctx, be), err}
	})
}

func (p *picker) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case listedMsg:
		p.loaded, p.err = true, m.err
		if m.err == nil {
			p.favoured = map[string]bool{}
			for _, name := range m.favoured {
				p.favoured[name] = true
			}
			p.take(m.all)
		}
	case favouredMsg:
		return p.tookFavour(m)
	case clusterMsg:
		return p.clusterOpened(m)
	case openedMsg:
		return p.opened(m)
	case tea.PasteMsg:
		p.live = true
		p.filter.Insert(m.Content)
		p.refilter()
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

// take sets the resources, in their order; the selected one stays selected.
func (p *picker) take(all []Listing) {
	var name string
	if l := p.current(); l != nil {
		name = l.Name
	}
	all = p.ordered(all)
	p.all = all
	p.items = make([]widget.Item, len(all))
	for i, l := range all {
		fields := map[string]string{"kind": l.Kind}
		for k, v := range l.Labels {
			fields[k] = v
		}
		p.items[i] = widget.NewItem(l.Name, fields)
	}
	p.refilter()
	if i := slices.IndexFunc(p.shown, func(i int) bool { return p.all[i].Name == name }); i >= 0 {
		p.list.Go(i)
	}
}

func (p *picker) refilter() {
	p.shown = widget.ParseFilter(p.filter.Value()).Apply(p.items)
	p.list.SetLen(len(p.shown))
}

// current is the selected resource, nil for none.
func (p *picker) current() *Listing {
	if i := p.list.Cursor(); i < len(p.shown) {
		return &p.all[p.shown[i]]
	}
	return nil
}

func (p *picker) key(k tea.KeyPressMsg) tea.Cmd {
	if p.opening != "" {
		if pressed(k, keys.Back) || pressed(k, keys.Leave) {
			p.cancel()
			p.opening = ""
		}
		return nil
	}
	s := k.String()
	switch {
	case pressed(k, keys.Enter):
		return p.openCurrent()
	case p.live:
		return p.filterKey(k)
	case pressed(k, keys.Filter):
		p.live = true
		return nil
	case pressed(k, keys.Back):
		p.clear()
		return nil
	case pressed(k, keys.More):
		p.more()
		return nil
	case pressed(k, keys.Refresh):
		return p.start()
	case pressed(k, keys.Favour):
		return p.favour()
	case pressed(k, keys.Last):
		return p.openLast()
	case p.list.Key(s, true):
		return nil
	}
	if _, ok := typed(k); ok {
		p.live = true
		return p.filterKey(k)
	}
	return nil
}

// more shows what of the preview is below, or its top again.
func (p *picker) more() {
	if p.rest > 0 {
		p.top += max(1, p.room-1)
	} else {
		p.top = 0
	}
}

func (p *picker) clear() {
	p.live = false
	p.filter.Set("")
	p.refilter()
}

func (p *picker) filterKey(k tea.KeyPressMsg) tea.Cmd {
	if pressed(k, keys.Back) || pressed(k, keys.Stop) {
		p.clear()
		return nil
	}
	if pressed(k, keys.More) {
		p.more()
		return nil
	}
	if p.list.Key(k.String(), false) {
		return nil
	}
	before := p.filter.Value()
	if k.String() == "backspace" && before == "" {
		p.live = false
		return nil
	}
	p.filter.Key(k)
	if p.filter.Value() != before {
		p.list.Go(0)
		p.refilter()
	}
	return nil
}

func (p *picker) keys() []key.Binding {
	var out []key.Binding
	there := p.current() != nil
	if there {
		out = append(out, keys.Enter)
	}
	if there && (p.top > 0 || p.rest > 0) {
		out = append(out, keys.More)
	}
	if p.live {
		return append(out, bind("esc", "clear filter", "esc"), bind("↑/↓", "move", "up", "down"))
	}
	favour, last := keys.Favour, keys.Last
	if _, ok := p.be.(Favourites); !ok || !there {
		favour.SetEnabled(false)
	}
	last.SetEnabled(there)
	return append(out, keys.Type, keys.Filter, favour, last, keys.Quit, keys.Move, keys.Ends, keys.SignOut, keys.Refresh)
}

func (p *picker) explain() []string {
	return []string{
		"Letters that are no command start the filter; / starts it with any letter. While filtering, move with the arrows.",
		"word: name, kind or label contains it, or, where none does, the name has its letters in this order; 'word: never so. ^word, word$: the name starts, ends with it. !word: not. kind:postgres, env:prod: by field.",
		p.glyphs.star + " is a favourite, a time is when you opened it last: these come first.",
	}
}

func (p *picker) view(w, h int) []string {
	lines := []string{p.filterLine(w)}
	h--
	switch {
	case p.err != nil:
		return append(lines, p.message(w, p.danger.Render(p.glyphs.no)+" resources cannot be listed: "+errorText(p.err), "ctrl+r tries again")...)
	case !p.loaded:
		return append(lines, " "+p.pending("loading", p.asked))
	case len(p.all) == 0:
		return append(lines, p.nothing(w)...)
	case len(p.shown) == 0:
		return append(lines, p.message(w, "nothing matches", "esc clears the filter")...)
	case w >= 76:
		lw := min(max(w*2/5, 34), 60)
		left := p.rows(lw-1, h)
		right := widget.Fill(p.previewIn(min(w-lw-3, maxPanel), h), w-lw-2, h)
		bar := make([]string, h)
		for i := range bar {
			bar[i] = p.faint.Render(p.border.V) + " "
		}
		return append(lines, widget.Beside(widget.Beside(left, " ", bar), "", right)...)
	case h >= 14:
		n := min(len(p.shown), h/2)
		lines = append(lines, p.rows(w, n)...)
		lines = append(lines, p.faint.Render(widget.Rule(p.glyphs.rule, w)))
		return append(lines, p.previewIn(w, h-n-1)...)
	}
	return append(lines, p.rows(w, h)...)
}

// previewIn is the preview in h lines.
func (p *picker) previewIn(w, h int) []string {
	all := p.preview(w)
	p.room = h
	if l := p.current(); l != nil && l.Name != p.seen {
		p.top, p.seen = 0, l.Name
	}
	p.top = max(0, min(p.top, len(all)-h))
	p.rest = max(0, len(all)-p.top-h)
	out := slices.Clone(all[p.top : len(all)-p.rest])
	if p.rest > 0 && len(out) > 0 {
		out[len(out)-1] = p.dim.Render(fmt.Sprintf("%s %s, tab", p.glyphs.more, count(int64(p.rest+1), "more line")))
	}
	return out
}

func (p *picker) message(w int, title, hint string) []string {
	out := []string{""}
	for _, l := range widget.Wrap(title, max(1, w-2)) {
		out = append(out, " "+l)
	}
	return append(out, " "+p.dim.Render(hint))
}

// nothing says why the list is empty: which groups the provider named.
func (p *picker) nothing(w int) []string {
	groups := "none"
	if len(p.me.Groups) > 0 {
		var gs []string
		for _, g := range p.me.Groups {
			gs = append(gs, widget.Escape(g))
		}
		groups = strings.Join(gs, ", ")
	}
	out := []string{"", " " + p.bold.Render("There is nothing here that you may open.")}
	text := fmt.Sprintf("You are signed in as %s. Groups seen: %s. No role gives one of them a resource. Ask an administrator, with these groups.",
		widget.Escape(p.me.Display()), groups)
	for _, l := range widget.Wrap(text, max(1, min(w, 78)-2)) {
		out = append(out, " "+p.dim.Render(l))
	}
	return out
}

func (p *picker) filterLine(w int) string {
	count := fmt.Sprintf("%d ", len(p.all))
	if len(p.shown) != len(p.all) {
		count = fmt.Sprintf("%d of %d ", len(p.shown), len(p.all))
	}
	if p.opening != "" {
		return widget.Fit(" "+p.pending("opening "+widget.Escape(p.opening), p.began)+p.dim.Render("  esc cancels"), w)
	}
	right := p.dim.Render(count)
	if !p.live && p.filter.Value() == "" {
		return widget.Sides(" "+p.accent.Render("/")+" "+p.dim.Render("type to filter: name, kind:postgres, env:prod"), right, w)
	}
	return " " + p.accent.Render("/") + " " + p.filter.View(max(2, w-3-widget.Width(count)), p.text, p.cursor) + right
}

// rows draws the list.
func (p *picker) rows(w, h int) []string {
	from, to := p.list.Window(h)
	var out []string
	for i := from; i < to; i++ {
		out = append(out, p.row(&p.all[p.shown[i]], w, i == p.list.Cursor()))
	}
	return widget.Fill(out, w, h)
}

func (p *picker) row(l *Listing, w int, selected bool) string {
	mark := " "
	if l.Production() {
		mark = p.prod.Render(p.glyphs.prod)
	}
	right := p.dim.Render(" " + widget.Clip(l.Kind, 12))
	name := widget.Escape(l.Name)
	if l.Unavailable != "" {
		name = p.dim.Render(name)
		right = p.withheld.Render(" unavailable")
	}
	point := " "
	if selected {
		point = p.accent.Render(p.glyphs.pointer)
		if l.Unavailable == "" {
			name = p.bold.Render(name)
		}
	}
	name = p.named(name, p.standing(l), w-5-widget.Width(right))
	line := widget.Sides(mark+" "+name, right+" ", w-1)
	if selected {
		line = p.selected.Under(line)
	}
	return point + line
}
