package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// clusterMsg is a cluster that was opened for the picker.
type clusterMsg struct {
	try     int
	listing Listing
	cl      Cluster
	set     *openSet
	err     error
}

func (m clusterMsg) discard() {
	if m.cl != nil {
		_ = m.set.end(m.cl) // nobody is there to be told
	}
}

// openCluster opens a session on a cluster.
func (p *picker) openCluster(l Listing) tea.Cmd {
	be, ok := p.be.(Clusters)
	if !ok {
		return alarm(l.Name + ": this bastion has no screens for clusters")
	}
	set := p.env.open
	ctx, cancel := context.WithCancel(p.ctx)
	p.opening, p.cancel, p.began = l.Name, cancel, p.now()
	p.try++
	try := p.try
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		cl, err := be.OpenCluster(ctx, l.Name)
		if err != nil {
			return clusterMsg{try: try, listing: l, err: err}
		}
		if !set.add(cl) {
			return nil
		}
		if ctx.Err() != nil {
			_ = set.end(cl)
			return clusterMsg{try: try, listing: l, err: ctx.Err()}
		}
		return clusterMsg{try, l, cl, set, nil}
	})
}

func (p *picker) clusterOpened(m clusterMsg) tea.Cmd {
	if p.opening == "" || m.try != p.try {
		return func() tea.Msg { m.discard(); return nil }
	}
	p.opening = ""
	p.back(m.listing.Name)
	p.failed.name, p.failed.err = m.listing.Name, m.err
	if m.err != nil {
		return alarm(m.listing.Name + ": " + unnamed(m.err, m.listing.Name))
	}
	first := newObjects(p.env, m.cl, m.listing, "namespaces", "")
	first.first = true
	return say(pushMsg{first})
}
