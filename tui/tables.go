package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// tables is the list of what is there, from the catalog.
type tables struct {
	all     []connectors.Relation
	err     error
	loading bool
	began   time.Time
	open    map[int]bool // relations that show their columns
	list    widget.List
	rows    []tableRow
	items   []widget.Item
	filter  widget.Input
	live    bool   // the filter takes the keys
	schema  string // the one schema there is, where a session is in one database
}

// tableRow is a line of the list: a relation, or one of its columns.
type tableRow struct{ relation, column int }

func (t *tables) take(m catalogMsg) {
	t.all, t.err, t.loading = m.all, m.err, false
	t.open, t.schema, t.items = map[int]bool{}, m.schema(), itemsOfRelations(m.all)
	// A small catalog shows all of its columns at once.
	n := 0
	for _, r := range t.all {
		n += 1 + len(r.Columns)
	}
	if n <= 200 {
		for i := range t.all {
			t.open[i] = true
		}
	}
	t.layout()
}

// schema is the one that all tables are in, where that is the session's database.
func (m catalogMsg) schema() string {
	for _, r := range m.all {
		if !m.database || r.Schema != m.all[0].Schema {
			return ""
		}
	}
	if len(m.all) == 0 {
		return ""
	}
	return m.all[0].Schema
}

func (t *tables) layout() {
	t.rows = t.rows[:0]
	for _, i := range widget.ParseFilter(t.filter.Value()).Apply(t.items) {
		t.rows = append(t.rows, tableRow{i, -1})
		if t.open[i] {
			for j := range t.all[i].Columns {
				t.rows = append(t.rows, tableRow{i, j})
			}
		}
	}
	t.list.SetLen(len(t.rows))
}

// nameOf is what enter puts into the editor.
func (p *workspace) nameOf(r tableRow) string {
	rel := p.tables.all[r.relation]
	switch {
	case r.column >= 0:
		return p.lang.quoted(rel.Columns[r.column].Name)
	case p.tables.own(rel.Schema):
		return p.lang.quoted(rel.Name)
	}
	return p.lang.quoted(rel.Schema) + "." + p.lang.quoted(rel.Name)
}

// own reports whether names in that schema are known without it.
func (t *tables) own(schema string) bool {
	return schema == "" || schema == "public" || schema == "main" || schema == "dbo" || schema == t.schema
}

// longTypes are written out by catalogs, and by nobody else.
var longTypes = strings.NewReplacer("timestamp without time zone", "timestamp", "timestamp with time zone", "timestamptz",
	"time without time zone", "time", "time with time zone", "timetz", "character varying", "varchar", "character", "char",
	"double precision", "float8")

// shortType is a column's type as people write it.
func shortType(s string) string { return longTypes.Replace(s) }

func (p *workspace) tablesKey(k tea.KeyPressMsg) tea.Cmd {
	t := &p.tables
	if t.live && t.filterKey(k) {
		return nil
	}
	i := t.list.Cursor()
	switch s := k.String(); {
	case t.list.Key(s, !t.live):
	case pressed(k, keys.Filter):
		t.live = true
	case t.filtered() && (pressed(k, keys.Back) || pressed(k, keys.Stop)):
		t.unfilter()
	case pressed(k, keys.Editor), s == "q", pressed(k, keys.Stop):
		p.focus = focusEditor
	case i >= len(t.rows):
	case s == "right", s == "l", s == "space":
		t.open[t.rows[i].relation] = s != "space" || !t.open[t.rows[i].relation]
		t.layout()
	case s == "left", s == "h":
		r := t.rows[i].relation
		t.open[r] = false
		t.layout()
		for j, row := range t.rows {
			if row.relation == r {
				t.list.Go(j)
			}
		}
	case s == "enter":
		p.replaceSpent()
		p.editor.Insert(p.nameOf(t.rows[i]))
		t.unfilter()
		p.focus = focusEditor
		return p.edited()
	}
	return nil
}

func (p *workspace) drawTables(w, h int) []string {
	t := &p.tables
	style := p.faint
	if p.focus == focusTables {
		style = p.accent
	}
	var lines []string
	switch {
	case t.err != nil:
		for _, s := range widget.Wrap(errorText(t.err), max(1, w-3)) {
			lines = append(lines, " "+p.danger.Render(s))
		}
	case t.loading:
		lines = append(lines, " "+p.pending("loading", t.began))
	case len(t.all) == 0:
		lines = append(lines, p.dim.Render(" none to see"))
	}
	if t.filtered() {
		cursor := p.cursor
		if !t.live || p.focus != focusTables {
			cursor = p.text
		}
		lines = append(lines, p.accent.Render("/")+" "+t.filter.View(max(2, w-4), p.text, cursor))
		if len(t.rows) == 0 && len(t.all) > 0 {
			lines = append(lines, p.dim.Render(" nothing matches"))
		}
	}
	from, to := t.list.Window(max(1, h-2-len(lines)))
	for i := from; i < to; i++ {
		lines = append(lines, p.tableLine(t.rows[i], w-2, i == t.list.Cursor() && p.focus == focusTables))
	}
	foot := ""
	if to < len(t.rows) {
		foot = p.dim.Render(p.glyphs.more)
	}
	return widget.Box(p.border, style, p.bold.Render(p.lang.catalog), foot, lines, w, h)
}

func (p *workspace) tableLine(r tableRow, w int, selected bool) string {
	rel := p.tables.all[r.relation]
	var line string
	if r.column < 0 {
		right := map[policy.TableKind]string{policy.TableView: "view", policy.TableForeign: "foreign"}[rel.Kind]
		name := widget.Escape(rel.Name)
		if !p.tables.own(rel.Schema) {
			name = widget.Escape(rel.Schema) + "." + name
		}
		line = widget.Sides(" "+p.accent.Render(name), p.dim.Render(right), w)
	} else {
		c := rel.Columns[r.column]
		name := "   " + widget.Escape(c.Name)
		line = widget.Sides(name, " "+p.dim.Render(widget.Clip(shortType(c.Type), max(w/3, w-widget.Width(name)-1))), w)
	}
	if selected {
		return p.selected.Under(widget.Fit(line, w))
	}
	return line
}
