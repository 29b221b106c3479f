package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

// itemsOfRelations prepares the list of tables for its filter: by name, schema and
// the names of columns.
func itemsOfRelations(all []connectors.Relation) []widget.Item {
	items := make([]widget.Item, len(all))
	for i, r := range all {
		var columns []string
		for _, c := range r.Columns {
			columns = append(columns, c.Name)
		}
		items[i] = widget.NewItem(r.Name, map[string]string{"schema": r.Schema, "columns": strings.Join(columns, " ")})
	}
	return items
}

// filterKey handles a key while the filter of the tables takes text; false is for
// those that it leaves to the list.
func (t *tables) filterKey(k tea.KeyPressMsg) bool {
	before := t.filter.Value()
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Stop), k.String() == "backspace" && before == "":
		t.unfilter()
		return true
	case k.String() == "enter", !t.filter.Key(k):
		return false
	}
	if t.filter.Value() != before {
		t.layout()
		t.list.Go(0)
	}
	return true
}

// unfilter shows all tables again, on the one that was selected.
func (t *tables) unfilter() {
	at := tableRow{-1, -1}
	if i := t.list.Cursor(); i < len(t.rows) {
		at = t.rows[i]
	}
	t.live = false
	t.filter.Set("")
	t.layout()
	for i, r := range t.rows {
		if r == at {
			t.list.Go(i)
		}
	}
}

// filtered reports whether some tables may be hidden.
func (t *tables) filtered() bool { return t.live || t.filter.Value() != "" }

// tablesKeys are the keys of the list of tables.
func (p *workspace) tablesKeys() []key.Binding {
	insert := bind("enter", "insert name", "enter")
	insert.SetEnabled(len(p.tables.rows) > 0)
	if p.tables.live {
		return []key.Binding{insert, bind("esc", "clear filter", "esc"), bind("↑/↓", "move", "up", "down")}
	}
	return []key.Binding{keys.Move, insert, keys.Filter, bind("→", "columns", "right"), keys.Editor}
}
