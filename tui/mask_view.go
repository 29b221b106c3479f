package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// maskView is the panel that says why a cell shows what it shows, and how it could
// be seen in clear.
type maskView struct {
	text  string // the statement
	title string
	kind  widget.CellKind
	t     connectors.Treatment
	// what a mask's rule hides it, who may see it is asked for.
	known bool
	how   Unmasking
	err   error
}

type unmaskingMsg struct {
	view *maskView
	how  Unmasking
	err  error
}

// openMask opens the panel for the cell under the cursor.
func (p *workspace) openMask() tea.Cmd {
	c, col, ok := p.answer.grid.Current()
	if !ok {
		return nil
	}
	_, i := p.answer.grid.Cursor()
	v := &maskView{text: p.answer.text, title: widget.Escape(col.Name), kind: c.Kind, t: p.answer.columns[i].Seen}
	p.mask = v
	if v.t.State != connectors.Masked || v.t.Hidden.Pattern == "" {
		v.known = true
		return nil
	}
	ws, pattern := p.ws, v.t.Hidden.Pattern
	return p.do(func(ctx context.Context) tea.Msg {
		how, err := ws.Unmasking(ctx, pattern)
		return unmaskingMsg{v, how, err}
	})
}

// mayAsk reports whether the columns behind the cell can be asked for.
func (v *maskView) mayAsk() bool {
	return v.known && v.err == nil && len(v.t.Hidden.From) > 0 && v.how.Decision.Effect != policy.Deny
}

func (p *workspace) maskKey(k tea.KeyPressMsg) tea.Cmd {
	v := p.mask
	switch {
	case pressed(k, keys.Unmask) && v.mayAsk():
		p.mask = nil
		return p.executeClear(v.text, nil, v.t.Hidden.From)
	case k.String() == "esc", k.String() == "enter", k.String() == "q", k.String() == "ctrl+c", pressed(k, keys.Masks):
		p.mask = nil
	}
	return nil
}

// methodWords say what stands in place of a value.
var methodWords = map[string]string{
	"redact": "a fixed text stands for every value", "null": "null stands for every value",
	"hash":    "a keyed hash stands for the value, the same for equal values",
	"token":   "a made-up value of the same shape stands for it, the same for equal values",
	"partial": "the last digits of a long number show, and nothing of anything else",
}

func (p *workspace) drawMask(w, h int) []string {
	v := p.mask
	var lines []string
	add := func(label, text string) {
		for i, s := range widget.Wrap(text, max(1, w-15)) {
			if i > 0 {
				label = ""
			}
			lines = append(lines, " "+p.dim.Render(widget.Fit(label, 11))+s)
		}
	}
	switch {
	case v.kind == widget.CellWithheld:
		add("Withheld", widget.Escape(v.t.Reason))
		add("", "Nothing of it shows, not even whether it is null. A column that is traced to an unmasked one of a table shows.")
	case v.t.State == connectors.Masked:
		add("Mask", widget.Escape(v.t.Mask)+pattern(v.t))
		if v.t.Hidden.Computed {
			add("Method", "the value is computed from what is masked, so nothing of it shows")
		} else {
			add("Method", v.t.Hidden.Method+": "+methodWords[v.t.Hidden.Method])
		}
		add("Columns", escapeAll(v.t.Hidden.From, ", "))
	case v.kind == widget.CellDetected:
		add("Detected", "parts of it look sensitive: what a content detector found is replaced by its name")
	default:
		add("Shown", "nothing masks this cell for you")
	}
	lines = append(lines, "")
	p.howToSee(v, add)
	kept := "it is kept masked there, whoever looks; cleartext is kept nowhere"
	if v.kind == widget.CellShown {
		kept = "it is kept as you see it, or masked where a mask hides it from others"
	}
	add("Transcript", kept)
	return widget.Box(p.border, p.masked, p.bold.Render("Mask of ")+v.title, p.dim.Render("esc closes"), lines, w, min(h, len(lines)+2))
}

func pattern(t connectors.Treatment) string {
	if t.Hidden.Pattern == "" {
		return ""
	}
	return " (" + widget.Escape(t.Hidden.Pattern) + ")"
}

// howToSee says who may see the value, and whether this person may ask.
func (p *workspace) howToSee(v *maskView, add func(label, text string)) {
	if v.t.State != connectors.Masked || v.t.Hidden.Pattern == "" {
		return
	}
	if !v.known {
		add("In clear", p.spinner()+" asking")
		return
	}
	if v.err != nil {
		add("In clear", errorText(v.err))
		return
	}
	roles := "no role reveals it"
	if len(v.how.Roles) > 0 {
		roles = "shown to " + strings.TrimSpace(escapeAll(v.how.Roles, "; "))
	}
	add("In clear", roles)
	d := v.how.Decision
	switch {
	case d.Effect == policy.Deny:
		add("You", "may not ask: "+widget.Escape(d.Reason))
	case len(v.t.Hidden.From) == 0:
		add("You", "cannot ask for it here: values of this answer cannot be traced to their columns")
	case d.Effect == policy.Approve:
		add("You", "press u to ask "+escapeAll(d.Approvers, " or ")+" for this one answer, by rule "+widget.Escape(d.Rule))
	default:
		add("You", "press u to see it in this one answer, by rule "+widget.Escape(d.Rule))
	}
}
