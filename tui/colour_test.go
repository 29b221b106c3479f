package tui_test

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// Whatever says something can be read on a light and on a dark background.
func TestEverythingCanBeRead(t *testing.T) {
	for _, s := range slices.Concat(states, httpStates, runbookStates) {
		t.Run(s.name, func(t *testing.T) {
			tuitest.Run(t, func(t *testing.T) {
				d := s.show(t, 200, 50)
				for _, light := range []bool{false, true} {
					if light {
						d.Send(tea.BackgroundColorMsg{Color: white{}})
					}
					for line := range strings.SplitSeq(d.Styled(), "\n") {
						for _, r := range tuitest.Pieces(line) {
							if c := r.Contrast(light); r.Says() && c < 4.5 {
								t.Errorf("light %v: %q has a contrast of %.1f (%s on %s)", light, strings.TrimSpace(r.Text), c, r.Fg, r.Bg)
							}
						}
					}
				}
			})
		})
	}
}

// The light theme of the pages, as it is painted.
func TestLightGolden(t *testing.T) {
	for _, s := range slices.Concat(states, httpStates, runbookStates) {
		if !slices.Contains([]string{"picker", "workspace-result", "workspace-ask", "approvals", "replay-sql", "cluster-pods", "cluster-logs", "cluster-describe",
			"http", "http-answer", "http-ask", "runbook", "runbook-done", "runbook-ask"}, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			tuitest.Run(t, func(t *testing.T) {
				d := s.show(t, 80, 24)
				d.Send(tea.BackgroundColorMsg{Color: white{}})
				tuitest.Golden(t, "light-"+s.name, tuitest.Painted(d.Styled()))
			})
		})
	}
}
