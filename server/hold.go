package server

import (
	"fmt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// hold keeps a transcript from retention, or ends that.
func (c *call) hold() error {
	reason, release := c.flags["--reason"], c.flags["--release"] != ""
	if reason == "" {
		return usageError("hold needs a reason, which stands in the log in clear: --reason TEXT")
	}
	id := c.operand(0)
	if err := c.v.Hold(c.ctx, recorder.ID(id), reason, release); err != nil {
		return err
	}
	done := "held"
	if release {
		done = "released"
	}
	fmt.Fprintf(c.err, "%s is %s\n", widget.Escape(id), done)
	return c.done(struct {
		ID   string `json:"id"`
		Held bool   `json:"held"`
	}{id, !release})
}
