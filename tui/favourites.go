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

// Favourites is the power of a Backend to keep a person's favourites: resources
// that come first in the picker.
type Favourites interface {
	// Favourites are those that this person has marked, whether or not they may
	// still be opened.
	Favourites(ctx context.Context) ([]string, error)
	// Favour marks a resource, or takes the mark away; it lasts when Favour returns.
	Favour(ctx context.Context, resource string, on bool) error
}

// favouredMsg tells how marking went.
type favouredMsg struct {
	name string
	on   bool
	err  error
}

// maxRecent is how many resources come before the rest because they were opened last.
const maxRecent = 5

// favourites asks for them; a picker that cannot have them is one without.
func favourites(ctx context.Context, be Backend) []string {
	f, ok := be.(Favourites)
	if !ok {
		return nil
	}
	names, err := f.Favourites(ctx)
	if err != nil {
		return nil // the list is worth more than its order
	}
	return names
}

// favour marks the selected resource, or takes the mark away.
func (p *picker) favour() tea.Cmd {
	l := p.current()
	f, ok := p.be.(Favourites)
	if l == nil || !ok {
		return nil
	}
	name, on := l.Name, !p.favoured[l.Name]
	return p.do(func(ctx context.Context) tea.Msg { return favouredMsg{name, on, f.Favour(ctx, name, on)} })
}

func (p *picker) tookFavour(m favouredMsg) tea.Cmd {
	if m.err != nil {
		return alarm(m.name + " is as it was: " + m.err.Error())
	}
	said := m.name + " comes first from now on, f takes that back"
	if m.on {
		p.favoured[m.name] = true
	} else {
		delete(p.favoured, m.name)
		said = m.name + " is no favourite any more"
	}
	p.take(p.all)
	return toast(said)
}

// ordered puts favourites first, then what was opened last, then the rest, each by
// name but for the second.
func (p *picker) ordered(all []Listing) []Listing {
	var first, recent, rest []Listing
	for _, l := range all {
		switch {
		case p.favoured[l.Name]:
			first = append(first, l)
		case lastOpened(&l).IsZero():
			rest = append(rest, l)
		default:
			recent = append(recent, l)
		}
	}
	slices.SortStableFunc(recent, func(a, b Listing) int { return lastOpened(&b).Compare(lastOpened(&a)) })
	if len(recent) > maxRecent {
		rest = append(rest, recent[maxRecent:]...)
		recent = recent[:maxRecent]
	}
	byName := func(a, b Listing) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(first, byName)
	slices.SortFunc(rest, byName)
	p.recent = map[string]bool{}
	for _, l := range recent {
		p.recent[l.Name] = true
	}
	return slices.Concat(first, recent, rest)
}

// lastOpened is when this person opened it last, zero where it is not known.
func lastOpened(l *Listing) time.Time {
	if len(l.Sessions) == 0 {
		return time.Time{}
	}
	return l.Sessions[0].Header.Started
}

// openLast opens again what was opened last.
func (p *picker) openLast() tea.Cmd {
	name, at := p.last, time.Time{}
	for i := range p.all {
		if l := &p.all[i]; p.last == "" && lastOpened(l).After(at) {
			name, at = l.Name, lastOpened(l)
		}
	}
	i := slices.IndexFunc(p.shown, func(i int) bool { return p.all[i].Name == name })
	switch {
	case name == "":
		return toast("nothing was opened before")
	case i < 0:
		return alarm(name + " was opened last, and is not among what you may open now")
	}
	p.list.Go(i)
	return p.openCurrent()
}

// standing is what stands behind a name in the list: that it is a favourite, or when
// it was opened last, where this is why it comes first.
func (p *picker) standing(l *Listing) string {
	switch {
	case p.favoured[l.Name]:
		return " " + p.accent.Render(p.glyphs.star)
	case p.recent[l.Name]:
		return " " + p.dim.Render(age(p.now().Sub(lastOpened(l))))
	}
	return ""
}

// age is a time that has passed, in the fewest characters.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// named is a name with its standing in w cells; the name comes first.
func (p *picker) named(name, standing string, w int) string {
	if widget.Width(name)+widget.Width(standing) > w {
		return name
	}
	return name + standing
}
