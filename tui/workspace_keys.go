package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// key handles a key: what lies above first, then what has the focus.
func (p *workspace) key(k tea.KeyPressMsg) tea.Cmd {
	if !pressed(k, keys.Back) {
		p.leaving = false
	}
	switch {
	case p.cell != nil:
		return p.cellKey(k)
	case p.mask != nil:
		return p.maskKey(k)
	case p.why != nil:
		return p.whyKey(k)
	case p.finder != nil:
		return p.finderKey(k)
	case p.ask != nil:
		return p.askKey(k)
	case pressed(k, keys.Stop) && p.busyRunning():
		return p.cancelRun()
	case pressed(k, keys.Explain):
		return p.askWhy()
	case pressed(k, keys.History):
		return p.openFinder()
	case pressed(k, keys.Schema):
		p.toggleTables()
		return nil
	case pressed(k, keys.Focus), k.String() == "shift+tab":
		back := k.String() == "shift+tab"
		if p.canComplete() && p.complete(back) {
			return p.edited()
		}
		p.nextFocus(back)
		return nil
	}
	switch p.focus {
	case focusGrid:
		return p.gridKey(k)
	case focusTables:
		return p.tablesKey(k)
	}
	return p.editorKey(k)
}

// toggleTables shows the list at the side or hides it. Where it only makes room for
// a result, it is gone to.
func (p *workspace) toggleTables() {
	if p.screen.schema && !p.screen.seen && len(p.tables.all) > 0 {
		p.focus = focusTables
		return
	}
	p.screen.schema = !p.screen.schema
	if !p.screen.schema && p.focus == focusTables {
		p.focus = focusEditor
	}
}

// nextFocus goes round editor, result and tables, leaving out what is not there.
func (p *workspace) nextFocus(back bool) {
	order := []focus{focusEditor}
	if p.answer != nil && p.answer.rows() {
		order = append(order, focusGrid)
	}
	if p.screen.schema && len(p.tables.all) > 0 {
		order = append(order, focusTables)
	}
	for i, f := range order {
		if f == p.focus {
			d := 1
			if back {
				d = len(order) - 1
			}
			p.focus = order[(i+d)%len(order)]
			return
		}
	}
	p.focus = focusEditor
}

func (p *workspace) keys() []key.Binding {
	switch {
	case p.over:
		return []key.Binding{bind("any key", "back")}
	case p.mask != nil && p.mask.mayAsk():
		return []key.Binding{keys.Unmask, keys.Back}
	case p.mask != nil:
		return []key.Binding{keys.Back}
	case p.cell != nil, p.why != nil:
		return []key.Binding{keys.Back, keys.Move, keys.Page}
	case p.finder != nil:
		return []key.Binding{bind("enter", "take", "enter"), bind("↑/↓", "move", "up", "down"), keys.Back}
	case p.ask != nil && !p.ask.sent:
		return []key.Binding{keys.Request, bind("esc", "do not ask", "esc")}
	case p.ask != nil:
		return []key.Binding{keys.Withdraw}
	case p.run != nil:
		return []key.Binding{bind("ctrl+c", "cancel", "ctrl+c")}
	}
	switch p.focus {
	case focusGrid:
		if p.record.on {
			return []key.Binding{keys.Move, keys.Rows, keys.Cell, keys.Masks, keys.Grid, keys.Editor, keys.ToEnd, bind("q", "leave", "q")}
		}
		return []key.Binding{keys.Cells, keys.Cell, keys.Masks, keys.Record, keys.Editor, keys.ToEnd, bind("q", "leave", "q")}
	case focusTables:
		return p.tablesKeys()
	}
	tab := keys.Focus
	switch {
	case p.canComplete():
		tab = keys.Complete
	case p.answer != nil && p.answer.rows():
	case p.screen.schema && len(p.tables.all) > 0:
		tab = bind("tab", strings.ToLower(p.lang.catalog), "tab")
	default:
		tab.SetEnabled(false)
	}
	return []key.Binding{bind(p.lang.key, "run", keys.Run.Keys()...), keys.Explain, tab, keys.History, p.schemaKey(), keys.Stop, keys.LeaveSQL}
}

// schemaKey says what the key for the list at the side does now.
func (p *workspace) schemaKey() key.Binding {
	does := "show "
	if p.screen.seen {
		does = "hide "
	}
	return bind("ctrl+t", does+strings.ToLower(p.lang.catalog), keys.Schema.Keys()...)
}

func (p *workspace) explain() []string {
	return append([]string{
		p.lang.runs + " It stays to be seen; the next character replaces it, an arrow key edits it.",
		"Behind a word that can be completed, tab completes it, and again with the next; else it goes to the result and the list at the side.",
		`\x and enter turns the record view on and off. In the result: g and G, page keys, enter for a whole cell, m for why it is masked and how it could be seen.`,
		"The line under the editor says what the gate would do, without running anything; f5 tells why, which rules were tried, and what would have to be granted.",
	}, p.lang.notes...)
}
