package tui

import (
	"net/url"
	"regexp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

func (p *httpPage) savedKey(k tea.KeyPressMsg) tea.Cmd {
	switch s := k.String(); {
	case s == "enter":
		return p.takeSaved(p.svc.Requests()[p.saved.Cursor()])
	case pressed(k, keys.Back):
		p.focus = focusPath
	default:
		p.saved.Key(s, true)
	}
	return nil
}

// takeSaved writes a saved request into the page, and asks for what it leaves open.
func (p *httpPage) takeSaved(q connectors.SavedRequest) tea.Cmd {
	c := composed{method: q.Method, path: q.Path, body: q.Body}
	var lines []string
	for _, f := range q.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	c.headers = strings.Join(lines, "\n")
	p.set(c)
	p.focus = focusPath
	p.fillNext(q.Name)
	return p.edited()
}

// placeholder is what a saved request leaves open.
var placeholder = regexp.MustCompile(`\{[A-Za-z_][A-Za-z0-9_-]*\}`)

// filling asks for one placeholder after the other.
type filling struct {
	request, name string
	input         widget.Input
}

func (p *httpPage) fillNext(request string) {
	c := p.composed()
	p.filling = nil
	if name := placeholder.FindString(c.path + "\n" + c.headers + "\n" + c.body); name != "" {
		p.filling = &filling{request: request, name: name}
	}
}

func (p *httpPage) fillKey(k tea.KeyPressMsg) tea.Cmd {
	f := p.filling
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		p.filling = nil
		return nil
	case k.String() != "enter":
		f.input.Key(k)
		return nil
	}
	v, c := f.input.Value(), p.composed()
	if placeholder.MatchString(v) {
		return alarm("a value cannot be a placeholder itself")
	}
	path, query, asked := strings.Cut(c.path, "?")
	c.path = strings.ReplaceAll(path, f.name, url.PathEscape(v))
	if asked {
		c.path += "?" + strings.ReplaceAll(query, f.name, url.QueryEscape(v))
	}
	c.headers = strings.ReplaceAll(c.headers, f.name, v)
	quoted := quoteJSON(v)
	if strings.Contains(strings.ToLower(c.headers), "json") || strings.HasPrefix(strings.TrimSpace(c.body), "{") {
		v = quoted[1 : len(quoted)-1]
	}
	c.body = strings.ReplaceAll(c.body, f.name, v)
	p.set(c)
	p.fillNext(f.request)
	return p.edited()
}

// requestFinder searches the saved requests, or those of this session.
type requestFinder struct {
	title string
	input widget.Input
	list  widget.List
	names []string
	take  []func() tea.Cmd
	shown []int
}

func (p *httpPage) openFinder(saved bool) tea.Cmd {
	f := &requestFinder{title: "Requests of this session"}
	if saved {
		f.title = "Saved requests"
		for _, q := range p.svc.Requests() {
			name := widget.Fit(widget.Escape(q.Name), 28) + "  " + widget.Fit(widget.Escape(q.Method), 7) + " " + q.Path
			f.names, f.take = append(f.names, name), append(f.take, func() tea.Cmd { return p.takeSaved(q) })
		}
	}
	for i := len(p.history) - 1; i >= 0 && !saved; i-- {
		c := p.history[i]
		f.names = append(f.names, strings.TrimSpace(c.method+" "+c.path+"   "+strings.Join(strings.Fields(c.body), " ")))
		f.take = append(f.take, func() tea.Cmd {
			p.set(c)
			p.focus = focusPath
			return p.edited()
		})
	}
	switch {
	case len(f.names) == 0 && saved:
		return toast("no request is saved for " + p.listing.Name + " in the configuration")
	case len(f.names) == 0:
		return toast("no request was sent in this session yet")
	}
	f.refilter()
	p.finder = f
	return nil
}

func (f *requestFinder) refilter() {
	f.shown = f.shown[:0]
	words := strings.Fields(strings.ToLower(f.input.Value()))
next:
	for i, s := range f.names {
		s = strings.ToLower(s)
		for _, w := range words {
			if !strings.Contains(s, w) {
				continue next
			}
		}
		f.shown = append(f.shown, i)
	}
	f.list.SetLen(len(f.shown))
}

func (p *httpPage) finderKey(k tea.KeyPressMsg) tea.Cmd {
	f := p.finder
	switch s := k.String(); {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		p.finder = nil
	case s == "enter":
		p.finder = nil
		if i := f.list.Cursor(); i < len(f.shown) {
			return f.take[f.shown[i]]()
		}
	case pressed(k, keys.History), pressed(k, keys.Requests):
		f.list.Move(1)
	case f.list.Key(s, false):
	default:
		f.input.Key(k)
		f.refilter()
	}
	return nil
}

func (p *httpPage) drawFinder(w, h int) []string {
	f := p.finder
	lines := []string{" " + p.accent.Render("/") + " " + f.input.View(max(2, w-6), p.text, p.cursor)}
	from, to := f.list.Window(max(1, h-3))
	for i := from; i < to; i++ {
		text := widget.Truncate(widget.Escape(f.names[f.shown[i]]), max(1, w-5))
		if i == f.list.Cursor() {
			lines = append(lines, p.accent.Render(p.glyphs.pointer)+p.selected.Under(widget.Fit(" "+text, w-3)))
			continue
		}
		lines = append(lines, "  "+text)
	}
	return widget.Box(p.border, p.accent, p.bold.Render(f.title), "", lines, w, h)
}
