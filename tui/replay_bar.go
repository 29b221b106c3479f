package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// maxSurvey is how many events are read ahead for the marks of the time line.
const maxSurvey = 200_000

// mark is an operation on the time line.
type mark struct {
	at  time.Duration
	bad bool // it was denied
}

type (
	surveyMsg    struct{ marks []mark }
	integrityMsg struct {
		integrity *Integrity
		err       error
	}
	notedMsg struct{ err error }
)

// survey reads ahead for the marks, and verifies.
func (p *replay) survey() tea.Cmd {
	pl, started := p.player, p.head.Header.Started
	marks := p.do(func(ctx context.Context) tea.Msg { return surveyMsg{readMarks(ctx, pl, started)} })
	if p.proof != nil {
		return marks
	}
	return tea.Batch(marks, p.do(func(ctx context.Context) tea.Msg {
		in, err := pl.Verify(ctx)
		return integrityMsg{&in, err}
	}))
}

// readMarks finds the operations; what cannot be read has none.
func readMarks(ctx context.Context, pl Player, started time.Time) (marks []mark) {
	var from uint64
	for from < maxSurvey && len(marks) < maxMarks {
		events, err := pl.Events(ctx, from, pageEvents)
		if err != nil || len(events) == 0 {
			return marks
		}
		for _, e := range events {
			switch e.Kind {
			case recorder.KindOperation:
				marks = append(marks, mark{at: max(0, e.At.Sub(started))})
			case recorder.KindInput: // a line that was entered
				if bytes.ContainsAny(e.Data, "\r\n") {
					marks = append(marks, mark{at: max(0, e.At.Sub(started))})
				}
			case recorder.KindDecision:
				var d recorder.Decision
				if json.Unmarshal(e.Data, &d) == nil && d.Effect == "deny" && len(marks) > 0 {
					marks[len(marks)-1].bad = true
				}
			}
		}
		from = events[len(events)-1].Seq + 1
	}
	return marks
}

// look goes to where a text stands next.
func (p *replay) look(text string) tea.Cmd {
	p.find, p.hit, p.back, p.watching = text, 0, 0, false
	return p.seek(goal{kind: goalFind, text: strings.ToLower(text)})
}

// write puts a note to this moment on record.
func (p *replay) write(text string) tea.Cmd {
	pl, at := p.player, clock(p.pos)
	return p.do(func(ctx context.Context) tea.Msg { return notedMsg{pl.Note(ctx, at, text)} })
}

// link leads to this moment.
func (p *replay) link() string {
	reach := p.o.Reach
	if reach == "" {
		reach = "BASTION"
	}
	return fmt.Sprintf("ssh %s replay %s@%s", widget.Escape(reach), p.head.ID, clock(p.pos))
}

// badge is how far the transcript is proved.
func (p *replay) badge() string {
	in := p.proof
	switch {
	case p.unproved != nil:
		return p.warn.Render(p.glyphs.ask + " cannot be verified")
	case in == nil:
		return p.dim.Render("verifying")
	case in.Broken != "":
		return p.danger.Render(fmt.Sprintf("%s broken at event %d", p.glyphs.no, in.At))
	case in.Signed == 0:
		return p.dim.Render(p.glyphs.yes + " chain holds, not signed yet")
	case in.Signed < in.Events:
		return p.ok.Render(fmt.Sprintf("%s %d of %d events signed", p.glyphs.yes, in.Signed, in.Events))
	}
	return p.ok.Render(p.glyphs.yes + " verified")
}

// sign is what the replay does.
func (p *replay) sign() string {
	ascii := asciiTerm(p.o.Term)
	switch {
	case p.watching && p.frame.live:
		return p.danger.Render(p.glyphs.bullet)
	case p.paused && ascii:
		return p.accent.Render("=")
	case p.paused:
		return p.accent.Render("Ⅱ")
	case ascii:
		return p.accent.Render(">")
	}
	return p.accent.Render("▶")
}

// bar is the time line's position, speed and state.
func (p *replay) bar(w int) string {
	at := p.pos
	if p.frame.end {
		at = max(p.pos, p.frame.at)
	}
	times := clock(at)
	if p.total > 0 {
		at = min(at, p.total)
		times = clock(at) + " / " + clock(p.total)
	}
	left := " " + p.sign() + " " + times + "  "
	right := "  " + fmt.Sprintf("%gx", speeds[p.speed])
	if p.skip {
		right += p.dim.Render(" idle skipped")
	}
	switch {
	case p.working && p.frame.more.kind != goalNone:
		right += " " + p.spinner()
	case p.watching && p.frame.live:
		right += " " + p.danger.Render("live")
	case p.frame.end:
		right += p.dim.Render(" end")
	case p.frame.rough:
		right += p.dim.Render(" from a cleared screen")
	}
	room := w - widget.Width(left) - widget.Width(right) - 1
	if room < 4 {
		return widget.Fit(left+right, w)
	}
	return left + p.track(room, at) + right + " "
}

// track is the line itself, with a mark for each operation.
func (p *replay) track(room int, at time.Duration) string {
	if p.total <= 0 {
		return p.accent.Render(strings.Repeat(p.glyphs.heavy, room))
	}
	cell := func(t time.Duration) int { return min(room-1, int(float64(room)*float64(t)/float64(p.total))) }
	bad := make(map[int]bool, len(p.marks))
	for _, m := range p.marks {
		i := cell(m.at)
		bad[i] = bad[i] || m.bad
	}
	done := int(int64(room) * int64(at) / int64(p.total))
	var b strings.Builder
	for i := range room {
		denied, marked := bad[i]
		switch {
		case denied:
			b.WriteString(p.danger.Render("╋"))
		case marked && i < done:
			b.WriteString(p.accent.Render("╋"))
		case marked:
			b.WriteString(p.dim.Render("┼"))
		case i < done:
			b.WriteString(p.accent.Render(p.glyphs.heavy))
		default:
			b.WriteString(p.faint.Render(p.glyphs.rule))
		}
	}
	return b.String()
}
