package lineage

import (
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// fire traces what the triggers of a table do for an event. given are the columns
// that are set, i the table as it was.
func (a *analyzer) fire(rel *Relation, event string, given map[string]value, i *item) {
	if rel.Opaque != "" {
		a.fail(rel.Opaque)
	}
	for _, t := range rel.Triggers {
		if t.Event != event || !watches(t, event, given) {
			continue
		}
		if a.firing[t.Name] {
			a.fail("the trigger " + t.Name + " may fire itself")
			return
		}
		a.firing[t.Name] = true
		a.acting++
		a.trigger(t, event, given, i)
		a.acting--
		delete(a.firing, t.Name)
	}
}

// watches reports whether UPDATE OF names a column that is set.
func watches(t *syntax.Trigger, event string, given map[string]value) bool {
	if event != "UPDATE" || len(t.Columns) == 0 {
		return true
	}
	for _, n := range t.Columns {
		if _, ok := given[syntax.Fold(n)]; ok {
			return true
		}
	}
	return false
}

func (a *analyzer) trigger(t *syntax.Trigger, event string, given map[string]value, i *item) {
	if !a.enter() {
		return
	}
	defer a.leave()
	sc := &scope{}
	if event != "INSERT" {
		sc.items = append(sc.items, &item{name: "old", cols: i.cols, rowid: i.rowid, derived: i.derived})
	}
	if event != "DELETE" {
		row := after(i, "new", given)
		if event == "INSERT" {
			row = added(i, given)
		}
		row.bare, row.schema = false, ""
		sc.items = append(sc.items, row)
	}
	if t.When != nil {
		a.condition(t.When, sc, "a trigger's WHEN")
	}
	for _, s := range t.Body {
		a.statement(s, sc)
	}
}

// added is a row that an INSERT makes: what it is given, and defaults.
func added(i *item, given map[string]value) *item {
	out := &item{name: "new", rowid: &value{}, derived: i.derived}
	for _, c := range i.cols {
		v, ok := given[syntax.Fold(c.name)]
		if !ok {
			v = value{src: c.src} // generated, perhaps
			if len(c.src) == 1 && c.direct {
				v = value{direct: true}
			}
		}
		out.cols = append(out.cols, column{name: c.name, value: v})
	}
	return out
}
