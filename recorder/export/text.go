package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/recorder"
)

// Text writes a transcript to be read: who and where, what was asked and decided,
// answers, and what was shown without its escape sequences. It has no control
// characters but newlines and tabs.
func Text(w io.Writer, h recorder.Head, events Events) error {
	b := bufio.NewWriter(w)
	t := &text{w: b}
	x := h.Header
	fmt.Fprintf(b, "transcript %s\nperson     %s (%s at %s)\nresource   %s (%s)\nfrom       %s\nstarted    %s\n",
		h.ID, Clean(person(x.Identity)), Clean(x.Identity.Subject), Clean(x.Identity.Issuer), Clean(x.Resource), Clean(x.Kind), Clean(x.From),
		x.Started.UTC().Format(time.RFC3339))
	if h.Ended != nil {
		fmt.Fprintf(b, "ended      %s: %s\n", h.EndedAt.UTC().Format(time.RFC3339), Clean(h.Ended.Reason))
	}
	b.WriteString("\n")
	for e, err := range events {
		if err == nil {
			err = t.event(e)
		}
		if err != nil {
			return fmt.Errorf("export %q: %w", h.ID, err)
		}
	}
	t.newline()
	return b.Flush()
}

func person(p recorder.Person) string {
	if p.Email != "" {
		return p.Email
	}
	return p.Subject
}

type text struct {
	w       *bufio.Writer
	midLine bool
	strip   Stripper
}

func (t *text) newline() {
	if t.midLine {
		t.w.WriteString("\n")
		t.midLine = false
	}
}

func (t *text) event(e recorder.Event) error {
	if e.Kind == recorder.KindOutput || e.Kind == recorder.KindError {
		s := t.strip.Strip(e.Data)
		if s != "" {
			t.w.WriteString(s)
			t.midLine = !strings.HasSuffix(s, "\n")
		}
		return nil
	}
	s, err := words(e)
	if err != nil || s == "" {
		return err
	}
	t.newline()
	for line := range strings.Lines(s) {
		fmt.Fprintf(t.w, "%s  %s", e.At.UTC().Format("15:04:05.000"), line)
	}
	return nil
}

// words is an event in lines of text, "" where it has none.
func words(e recorder.Event) (string, error) {
	switch e.Kind {
	case recorder.KindOperation:
		var op recorder.Operation
		err := json.Unmarshal(e.Data, &op)
		return fmt.Sprintf("> %s\n", strings.ReplaceAll(Clean(op.Text), "\n", "\n> ")), err
	case recorder.KindDecision:
		var d recorder.Decision
		err := json.Unmarshal(e.Data, &d)
		return fmt.Sprintf("# %s by %s %s\n", Clean(d.Effect), Clean(d.Rule), Clean(d.Reason)), err
	case recorder.KindRows:
		var r recorder.Rows
		err := json.Unmarshal(e.Data, &r)
		return rows(r), err
	case recorder.KindOutcome:
		var o recorder.Outcome
		if err := json.Unmarshal(e.Data, &o); err != nil {
			return "", err
		}
		s := fmt.Sprintf("# %s %s, %d rows", Clean(o.State), Clean(o.Tag), o.Rows)
		if o.Error != "" {
			s += ": " + Clean(o.Error)
		}
		return s + "\n", nil
	case recorder.KindFile:
		var f recorder.File
		err := json.Unmarshal(e.Data, &f)
		return fmt.Sprintf("# %s\n", oneLine(f.String())), err
	case recorder.KindHidden:
		var x recorder.Hidden
		err := json.Unmarshal(e.Data, &x)
		return fmt.Sprintf("# %d keys typed without echo\n", x.Keys), err
	case recorder.KindNote:
		var n recorder.Note
		err := json.Unmarshal(e.Data, &n)
		return fmt.Sprintf("# %s\n", Clean(n.Text)), err
	case recorder.KindAdmin:
		var a recorder.Admin
		err := json.Unmarshal(e.Data, &a)
		return fmt.Sprintf("# %s %s by %s\n", Clean(a.Act), Clean(a.Target), Clean(person(a.By))), err
	case recorder.KindEnd:
		var end recorder.End
		err := json.Unmarshal(e.Data, &end)
		return fmt.Sprintf("# ended: %s\n", Clean(end.Reason)), err
	}
	return "", nil
}

// rows are tab-separated.
func rows(r recorder.Rows) string {
	var b strings.Builder
	for i, c := range r.Columns {
		b.WriteString(sep(i, len(r.Columns)) + oneLine(c.Name))
	}
	if len(r.Columns) > 0 {
		b.WriteString("\n")
	}
	for _, row := range r.Rows {
		for i, cell := range row {
			b.WriteString(sep(i, len(row)))
			if cell == nil {
				b.WriteString("NULL")
			} else {
				b.WriteString(oneLine(*cell))
			}
		}
		b.WriteString("\n")
	}
	if r.Notice != "" {
		b.WriteString("# " + Clean(r.Notice) + "\n")
	}
	return b.String()
}

func sep(i, n int) string {
	if i == 0 || n == 0 {
		return ""
	}
	return "\t"
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\t", " ").Replace(Clean(s)) }

// Clean is a text without control characters, escape sequences and what changes
// the direction of writing; newlines and tabs stay.
func Clean(s string) string {
	var x Stripper
	return x.Strip([]byte(s))
}

// shown says whether a character is harmless in any terminal.
func shown(r rune) bool {
	return r == '\n' || r == '\t' || unicode.IsGraphic(r) && !unicode.Is(unicode.Bidi_Control, r)
}
