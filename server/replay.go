package server

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// replayPage is how many events are read at a time.
const replayPage = 256

// replay prints a transcript as text, one line an event, with the time since its
// start. Nothing of what was recorded reaches the terminal unescaped.
func (c *call) replay() error {
	id, place, _ := strings.Cut(c.operand(0), "@")
	from, after, err := replayFrom(place)
	if err != nil {
		return err
	}
	_, screen := c.flags["--screen"]
	if format, ok := c.flags["--export"]; ok {
		if place != "" || screen || c.flags["--json"] != "" {
			return usageError("--export is all of a transcript, in a form of its own: without a place and --json")
		}
		return c.export(recorder.ID(id), format)
	}
	p, err := c.v.Replay(c.ctx, recorder.ID(id), session.Access{Reason: c.flags["--reason"]})
	if err != nil {
		return needsReason(err)
	}
	start := p.Head().Header.Started
	if after > 0 {
		if from, err = p.Seek(c.ctx, start.Add(after)); err != nil {
			return err
		}
	}
	switch {
	case screen && place == "":
		return c.screenAt(p, math.MaxUint64)
	case screen && after == 0:
		return c.screenAt(p, from+1) // with the event
	case screen:
		return c.screenAt(p, from)
	}
	for {
		events, err := p.Events(c.ctx, from, replayPage)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		for _, e := range events {
			if err := c.event(start, e); err != nil {
				return err
			}
		}
		from = events[len(events)-1].Seq + 1
	}
}

// replayFrom reads where a replay begins: at an event's number, or at a time since
// the start, MM:SS or H:MM:SS.
func replayFrom(place string) (event uint64, after time.Duration, err error) {
	if place == "" {
		return 0, 0, nil
	}
	wrong := usageError("replay begins at an event's number or at a time, ID@57 or ID@12:31, not at " + strconv.Quote(printable(place)))
	parts := strings.Split(place, ":")
	if len(parts) > 3 {
		return 0, 0, wrong
	}
	var seconds uint64
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return 0, 0, wrong
		}
		seconds = seconds*60 + n
	}
	if len(parts) == 1 {
		return seconds, 0, nil
	}
	return 0, time.Duration(seconds) * time.Second, nil
}

// clock is a time since the start as mm:ss.mmm, with hours where there are any.
func clock(d time.Duration) string {
	d = max(0, d)
	s := fmt.Sprintf("%02d:%02d.%03d", int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
	if h := int(d.Hours()); h > 0 {
		return fmt.Sprintf("%d:%s", h, s)
	}
	return s
}

var eventNames = map[recorder.Kind]string{
	recorder.KindStart: "start", recorder.KindEnd: "end", recorder.KindInput: "input", recorder.KindOutput: "output",
	recorder.KindError: "stderr", recorder.KindResize: "resize", recorder.KindKey: "key", recorder.KindOperation: "operation",
	recorder.KindDecision: "decision", recorder.KindApproval: "approval", recorder.KindRows: "rows", recorder.KindOutcome: "outcome",
	recorder.KindNote: "gate", recorder.KindAdmin: "bastion", recorder.KindRun: "run", recorder.KindHidden: "hidden",
	recorder.KindFile: "file",
}

func eventName(k recorder.Kind) string {
	if n, ok := eventNames[k]; ok {
		return n
	}
	return fmt.Sprintf("kind-%d", k)
}

type jsonEvent struct {
	Seq  uint64          `json:"seq"`
	At   time.Time       `json:"at"`
	Kind string          `json:"kind"`
	Text string          `json:"text,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

func eventRow(e recorder.Event) jsonEvent {
	row := jsonEvent{Seq: e.Seq, At: e.At, Kind: eventName(e.Kind)}
	if raw(e.Kind) || !json.Valid(e.Data) {
		row.Text = string(e.Data)
	} else {
		row.Data = e.Data
	}
	return row
}

// raw reports whether events of this kind hold bytes instead of JSON.
func raw(k recorder.Kind) bool {
	switch k {
	case recorder.KindInput, recorder.KindOutput, recorder.KindError, recorder.KindKey:
		return true
	}
	return false
}

// describe is an event in one escaped line; rows take more than one.
func describe(e recorder.Event) string {
	if raw(e.Kind) {
		return widget.Escape(string(e.Data))
	}
	switch e.Kind {
	case recorder.KindStart:
		return describeAs(e, func(h recorder.Header) string {
			return fmt.Sprintf("%s on %s (%s) from %s", h.Identity.Email, h.Resource, h.Action, h.From)
		})
	case recorder.KindEnd:
		return describeAs(e, func(v recorder.End) string { return v.Reason })
	case recorder.KindResize:
		return describeAs(e, func(v recorder.Resize) string { return fmt.Sprintf("%dx%d", v.Width, v.Height) })
	case recorder.KindOperation:
		return describeAs(e, func(v recorder.Operation) string { return fmt.Sprintf("#%d %s", v.Op, v.Text) })
	case recorder.KindDecision:
		return describeAs(e, func(v recorder.Decision) string {
			text := strings.TrimSpace(fmt.Sprintf("#%d %s by rule %s %s %s", v.Op, v.Effect, v.Rule, v.Reason, v.Approval))
			if len(v.Lent) > 0 {
				text += ", with " + strings.Join(v.Lent, " and ")
			}
			return text
		})
	case recorder.KindApproval:
		return describeAs(e, describeApproval)
	case recorder.KindRun:
		return describeAs(e, func(v recorder.Run) string { return strings.TrimSpace(fmt.Sprintf("#%d %s", v.Op, v.Approval)) })
	case recorder.KindRows:
		return describeRows(e)
	case recorder.KindOutcome:
		return describeAs(e, describeOutcome)
	case recorder.KindHidden:
		return describeAs(e, func(v recorder.Hidden) string { return several(v.Keys, "key") + " that the target did not echo" })
	case recorder.KindFile:
		return describeAs(e, func(v recorder.File) string { return fmt.Sprintf("#%d %s", v.Op, v) })
	case recorder.KindNote:
		return describeAs(e, func(v recorder.Note) string { return v.Text })
	}
	return widget.Escape(string(e.Data))
}

func describeAs[T any](e recorder.Event, f func(T) string) string {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return widget.Escape(string(e.Data))
	}
	return widget.Escape(f(v))
}

func describeApproval(a policy.Approval) string {
	text := fmt.Sprintf("%s %s, asked because %q", a.ID, a.State, a.Reason)
	if lent := a.Lent(); len(lent) > 0 {
		text += ", with " + strings.Join(lent, " and ")
	}
	for _, v := range a.Votes {
		word := "no"
		if v.Yes {
			word = "yes"
		}
		text += fmt.Sprintf("; %s from %s", word, v.By.Display())
		if v.Comment != "" {
			text += fmt.Sprintf(" (%s)", v.Comment)
		}
	}
	return text
}

func describeOutcome(v recorder.Outcome) string {
	text := fmt.Sprintf("#%d %s %s", v.Op, v.State, v.Tag)
	if v.Rows > 0 {
		text += ", " + several(v.Rows, "row")
	}
	if v.Masked > 0 || v.Withheld > 0 {
		text += fmt.Sprintf(", %s masked, %d withheld", several(v.Masked, "cell"), v.Withheld)
	}
	for _, l := range v.LookUps {
		text += ", " + l.String()
	}
	if v.Exit != nil {
		text += fmt.Sprintf(", exit %d", *v.Exit)
	}
	if v.Error != "" {
		text += ": " + v.Error
	}
	return text
}

func describeDigest(d *recorder.Digest) string {
	what := several(d.Bytes, "byte")
	if d.Of == "rows" {
		what = several(d.Rows, "row") + ", " + several(d.Bytes, "byte")
	}
	return widget.Escape(fmt.Sprintf("%s kept as a digest: %s, SHA-256 %s", d.Of, what, d.SHA256))
}

// describeRows prints a part of an answer with its cells separated by " | ".
func describeRows(e recorder.Event) string {
	var v recorder.Rows
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return widget.Escape(string(e.Data))
	}
	lines := []string{fmt.Sprintf("#%d", v.Op)}
	if v.Digest != nil {
		lines[0] += " " + describeDigest(v.Digest)
	}
	if len(v.Columns) > 0 {
		var names []string
		for _, col := range v.Columns {
			name := widget.Escape(col.Name)
			if col.Treatment != "shown" {
				name += " (" + widget.Escape(col.Treatment) + ")"
			}
			names = append(names, name)
		}
		lines[0] += " " + strings.Join(names, " | ")
	}
	if v.Notice != "" {
		lines[0] += " notice: " + widget.Escape(v.Notice)
	}
	for _, r := range v.Rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			if cell != nil {
				cells[i] = widget.Escape(*cell)
			}
		}
		lines = append(lines, strings.Repeat(" ", 21)+strings.Join(cells, " | "))
	}
	return strings.Join(lines, "\n")
}
