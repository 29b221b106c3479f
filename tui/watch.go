package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
)

// watch keeps the approvals up to date for the badge and the bell.
func (a *App) watch() tea.Cmd {
	be := a.be
	listen := a.self.do(func(ctx context.Context) tea.Msg {
		return changedMsg{be.Changed(ctx), false}
	})
	return tea.Batch(a.loadApprovals(), listen)
}

// changedMsg says that approvals changed, or (first) that the watch begins.
type changedMsg struct {
	ch      <-chan struct{}
	changed bool
}

// approvalsMsg is the list of approvals.
type approvalsMsg struct {
	list []policy.Approval
	err  error
}

func (a *App) loadApprovals() tea.Cmd {
	be := a.be
	return a.self.do(func(ctx context.Context) tea.Msg {
		list, err := be.Approvals(ctx)
		return approvalsMsg{list, err}
	})
}

// watched handles what the watch brings.
func (a *App) watched(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case changedMsg:
		next := a.self.do(func(ctx context.Context) tea.Msg {
			select {
			case _, ok := <-m.ch:
				if ok {
					return changedMsg{m.ch, true}
				}
			case <-ctx.Done():
			}
			return nil
		})
		if m.changed {
			return tea.Batch(next, a.loadApprovals())
		}
		return next
	case approvalsMsg:
		ring := a.desk.take(m, a.now())
		a.stacks[1][0].update(deskChanged{})
		if ring {
			bell := tea.Raw("\a")
			if a.tab == 1 {
				return bell
			}
			return tea.Batch(bell, toast("somebody waits for your approval: tab 2"))
		}
	}
	return nil
}
