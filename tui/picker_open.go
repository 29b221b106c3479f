package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// openCurrent opens the selected resource: a workspace, or the shell that takes
// over the terminal.
func (p *picker) openCurrent() tea.Cmd {
	l := p.current()
	switch {
	case l == nil:
		return nil
	case l.Unavailable != "":
		return alarm(l.Name + " cannot be opened now: " + l.Unavailable)
	}
	p.last = l.Name
	switch {
	case l.Power == "shell":
		name := l.Name
		p.back(name)
		return say(attachMsg{resource: name})
	case l.Power == "cluster":
		return p.openCluster(*l)
	}
	listing, be, set := *l, opens(p.be, l.Power), p.env.open
	ctx, cancel := context.WithCancel(p.ctx)
	p.opening, p.cancel, p.began = l.Name, cancel, p.now()
	p.try++
	try := p.try
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		ws, err := be(ctx, listing.Name)
		if err != nil {
			return openedMsg{try: try, listing: listing, err: err}
		}
		if !set.add(ws) {
			return nil
		}
		if ctx.Err() != nil {
			_ = set.end(ws)
			return openedMsg{try: try, listing: listing, err: ctx.Err()}
		}
		return openedMsg{try, listing, ws, set, nil}
	})
}

func (p *picker) opened(m openedMsg) tea.Cmd {
	if p.opening == "" || m.try != p.try {
		return func() tea.Msg { m.discard(); return nil }
	}
	p.opening = ""
	p.back(m.listing.Name)
	p.failed.name, p.failed.err = m.listing.Name, m.err
	if m.err != nil {
		return alarm(m.listing.Name + ": " + unnamed(m.err, m.listing.Name))
	}
	return say(pushMsg{p.env.pageOf(m.listing, m.ws)})
}

// back is the list as one comes back to it: unfiltered, on what was opened.
func (p *picker) back(name string) {
	p.clear()
	for i := range p.shown {
		if p.all[p.shown[i]].Name == name {
			p.list.Go(i)
		}
	}
}

// unnamed is why a resource could not be opened, where its name stands beside it.
func unnamed(err error, name string) string {
	return strings.TrimPrefix(err.Error(), fmt.Sprintf("open %q: ", name))
}
