package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// screenAt prints the screen of a shell as it was before an event: the text of its
// cells, drawn here.
func (c *call) screenAt(p *session.Player, before uint64) error {
	width, height, ok := p.Head().Header.Drawn()
	if !ok {
		return usageError("--screen is for shells and commands: the others have none")
	}
	s, from, at := widget.NewScreen(width, height), uint64(0), time.Duration(0)
	if snap, ok := p.Snapshot(c.ctx, before); ok {
		if again, err := widget.RestoreScreen(snap.State); err == nil {
			s, from, at = again, snap.Next, snap.At.Sub(p.Head().Header.Started)
		}
	}
	for e, err := range recorder.Events(c.ctx, from, p.Events) {
		if err != nil {
			return err
		}
		if e.Seq >= before {
			break
		}
		recorder.Draw(s, e)
		at = max(at, e.At.Sub(p.Head().Header.Started))
	}
	lines := s.Lines()
	if c.flags["--json"] != "" {
		w, h := s.Size()
		row := struct {
			At     string   `json:"at"`
			Width  int      `json:"width"`
			Height int      `json:"height"`
			Lines  []string `json:"lines"`
		}{At: clock(at), Width: w, Height: h}
		for _, l := range lines {
			row.Lines = append(row.Lines, strings.TrimRight(ansi.Strip(l), " "))
		}
		return c.json(row)
	}
	for _, l := range lines[:s.Used()+1] {
		if _, err := fmt.Fprintln(c.out, strings.TrimRight(ansi.Strip(l), " ")); err != nil {
			return fmt.Errorf("write the screen: %w", err)
		}
	}
	return nil
}
