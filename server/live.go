package server

import (
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// sessions lists what goes on now.
func (c *call) sessions() error {
	live, err := c.v.Live(c.ctx)
	if err != nil {
		return err
	}
	if c.flags["--json"] != "" {
		type row struct {
			headRow
			Mine   bool `json:"mine"`
			MayEnd bool `json:"may_end"`
		}
		rows := []row{}
		for _, l := range live {
			rows = append(rows, row{headRows([]recorder.Head{l.Head})[0], l.Mine, l.MayEnd})
		}
		return c.json(rows)
	}
	c.none(len(live), "no session goes on that you may see")
	for _, l := range live {
		h := l.Header
		fmt.Fprintf(c.out, "%s  for %s  %-24s  %-16s  %-10s  from %s, %s\n", l.ID, time.Since(h.Started).Round(time.Second),
			widget.Escape(orNone(whose(h))), widget.Escape(orNone(h.Resource)), h.Action, widget.Escape(h.From), several(l.Operations, "operation"))
	}
	return nil
}

// watch prints a live session as it goes on, as replay prints one: masked as it is
// kept, and nothing of it unescaped.
func (c *call) watch() error {
	p, err := c.v.Replay(c.ctx, recorder.ID(c.operand(0)), session.Access{Act: "watch", Reason: c.flags["--reason"]})
	if err != nil {
		return needsReason(err)
	}
	h := p.Head()
	if h.Ended != nil {
		return usageError(fmt.Sprintf("%s has ended: `replay %s` shows it", h.ID, h.ID))
	}
	var from uint64
	if c.flags["--all"] == "" {
		from = h.Next
	}
	fmt.Fprintf(c.err, "watching %s on %s; ctrl-c leaves it\n", widget.Escape(whose(h.Header)), widget.Escape(h.Header.Resource))
	return p.Follow(c.ctx, from, func(e recorder.Event) error { return c.event(h.Header.Started, e) })
}

// event prints one event of a transcript.
func (c *call) event(start time.Time, e recorder.Event) error {
	var err error
	if c.flags["--json"] != "" {
		err = c.json(eventRow(e))
	} else {
		_, err = io.WriteString(c.out, fmt.Sprintf("%s  %-9s %s\n", clock(e.At.Sub(start)), eventName(e.Kind), describe(e)))
	}
	if err != nil {
		return fmt.Errorf("write replay: %w", err)
	}
	return nil
}

// end ends a live session.
func (c *call) end() error {
	if len(c.operands) > 1 {
		return usageError("end takes one ID; a reason of several words is in quotes, which your shell must let through: --reason \"'it is late'\"")
	}
	id := recorder.ID(c.operand(0))
	if err := c.v.End(c.ctx, id, c.flags["--reason"]); err != nil {
		return needsReason(err)
	}
	fmt.Fprintf(c.err, "session %s has ended\n", id)
	return c.done(struct {
		ID    recorder.ID `json:"id"`
		Ended bool        `json:"ended"`
	}{id, true})
}
