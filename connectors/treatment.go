package connectors

import (
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Treatment is what happens to a column's cells and by which mask.
type Treatment struct {
	State  CellState `json:"state,omitempty"`
	Mask   string    `json:"mask,omitempty"`   // the mask's name
	Reason string    `json:"reason,omitempty"` // for Withheld: why nothing shows
	Hidden Hidden    `json:"-"`                // for Masked

	rule  mask.Rule
	whole bool // the value is computed: not even whether it is null shows
	clear bool // of columns that the plan clears alone: what detectors find in it shows, too
	holds Holds
	doc   *documents // of a column of JSON texts: each value in it is treated by itself
}

// Hidden says of a masked column what people may want to know.
type Hidden struct {
	// Method is the word for how values are replaced, Pattern the mask's column.
	Method, Pattern string
	// Computed values are made of masked ones, so that nothing of them shows.
	Computed bool
	// From names the masked columns that values come from, where that is known.
	From []string
}

// hidden is what the rule hides of a column.
func hidden(p *mask.Plan, rule mask.Rule, from *ValueOrigin) Hidden {
	h := Hidden{Method: rule.Method.String(), Pattern: rule.Column}
	if from != nil {
		h.Computed = !from.Direct
		for _, c := range from.Columns {
			if _, masked := p.Column(c); masked {
				h.From = append(h.From, strings.TrimPrefix(c.Schema+"."+c.Table+"."+c.Name, "."))
			}
		}
	}
	return h
}

func treat(p *mask.Plan, c Column, touches bool) Treatment {
	if c.Document != nil {
		return Treatment{State: Shown, doc: newDocuments(p, c.Document, c.Bare)}
	}
	if c.From != nil {
		rule, ok := c.From.masked(p)
		if !ok {
			return Treatment{State: Shown, clear: c.From.cleared(p)}
		}
		return Treatment{State: Masked, Mask: rule.Name, Hidden: hidden(p, rule, c.From), rule: rule, whole: !c.From.Direct, holds: c.Holds}
	}
	plain := c.OriginKind == policy.TablePlain || c.OriginKind == policy.TablePartitioned
	if c.Origin != nil && plain {
		if rule, ok := p.Column(*c.Origin); ok {
			return Treatment{State: Masked, Mask: rule.Name, Hidden: hidden(p, rule, nil), rule: rule, holds: c.Holds}
		}
		return Treatment{State: Shown}
	}
	if !touches {
		return Treatment{State: Shown}
	}
	return Treatment{State: Withheld, Reason: "its origin cannot be told, and the statement touches masked data"}
}

// apply returns the cell of a value. If the value itself shows, or parts of it do,
// its text is what is appended.
func (t *Treatment) apply(p *mask.Plan, null bool, value, text []byte) (Cell, []byte) {
	switch {
	case t.State == Withheld:
		return Cell{Text: withheldText, State: Withheld}, text
	case t.State == Masked:
		return t.masked(null, value), text
	case t.doc != nil && (!null || t.doc.root.whole):
		cell, text, err := t.doc.apply(value, text)
		if err != nil {
			return Cell{Text: withheldText, State: Withheld}, text
		}
		return cell, text
	case null:
		return Cell{Null: true, State: Shown}, text
	case t.clear:
		return Cell{State: Shown}, append(text, value...)
	}
	text, hit := p.AppendText(text, value)
	if hit {
		return Cell{State: Detected}, text
	}
	return Cell{State: Shown}, text
}

// document is the cell of a JSON document under a plan with paths. What shows of it is
// appended to text.
func document(p *mask.Plan, value, text []byte) (Cell, []byte) {
	withheld := Cell{Text: withheldText, State: Withheld}
	if !json.Valid(value) {
		return withheld, text
	}
	out := appender{text}
	j := p.JSON(&out, p.Paths())
	if _, err := j.Write(value); err != nil {
		return withheld, text
	}
	if err := j.Flush(); err != nil || !j.Whole() {
		return withheld, text
	}
	if j.Hits() > 0 {
		return Cell{State: Detected}, out.b
	}
	return Cell{State: Shown}, out.b
}

type appender struct{ b []byte }

func (a *appender) Write(b []byte) (int, error) {
	a.b = append(a.b, b...)
	return len(b), nil
}

// masked is what shows of a masked value, such that it is of the column's type.
func (t *Treatment) masked(null bool, value []byte) Cell {
	c := Cell{State: Masked}
	switch {
	case t.holds == NullOnly, t.rule.Method == mask.Null, null && !t.whole:
		c.Null = true
	case t.holds == Integer, t.holds == Decimal:
		c.Text, c.Null = t.number(string(value))
	case t.holds == JSONText && t.rule.Method == mask.Hash && !t.whole:
		c.Text = `"` + t.rule.Apply(string(value)) + `"` // which has nothing to escape
	case t.holds == JSONText:
		c.Text = `"` + mask.Redacted + `"`
	case t.whole:
		c.Text = mask.Redacted
	default:
		c.Text = t.rule.Apply(string(value))
	}
	return c
}

// number is a number in place of one where the method has it, else null.
func (t *Treatment) number(value string) (text string, null bool) {
	if t.whole {
		return "", true
	}
	kind := mask.Integer
	if t.holds == Decimal {
		kind = mask.Decimal
	}
	text, ok := t.rule.ApplyTyped(value, kind)
	return text, !ok
}
