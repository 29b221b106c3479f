package tui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// logs are how to get to states of a log.
var logStates = []state{
	{"cluster-logs-sideways", false, cluster("G", "enter", "down", "enter", "right", "right")},
	{"cluster-logs-previous", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d, b := inCluster(t, w, h)
		b.Cluster().Answers["logs --previous"] = "it fell over\n"
		d.Keys("G", "enter", "down", "enter", "p")
		return d
	}},
	{"cluster-logs-nothing-yet", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d, b := inCluster(t, w, h)
		b.Cluster().Answers["logs"] = ""
		for k := range b.Cluster().Answers {
			if strings.HasPrefix(k, "logs") {
				b.Cluster().Answers[k] = ""
			}
		}
		d.Keys("G", "enter", "down", "enter")
		d.Advance(4 * time.Second)
		return d
	}},
}

// A log of a hundred thousand lines is filtered and scrolled as it comes, and what was
// forgotten of a longer one is counted.
func TestLongLog(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d, b := inCluster(t, 80, 24)
		d.Keys("G", "enter", "down", "enter", "/", "needle !hay", "enter")
		d.See("0 of 3 lines")
		var text strings.Builder
		for i := range 100_000 {
			fmt.Fprintf(&text, "line %d %s\n", i, map[bool]string{true: "needle " + strings.Repeat("x", 200), false: "straw"}[i%1000 == 7])
		}
		text.WriteString("needle in the hay\n")
		b.Cluster().Follow <- text.String()
		d.Settle()
		d.See("100 of 100004 lines", "line 99007 needle")
		d.Keys("g")
		d.See("line 7 needle")
		d.Keys("esc")
		d.See("100004 lines")
		text.Reset()
		for i := range 20_000 {
			fmt.Fprintf(&text, "more %d\n", i)
		}
		b.Cluster().Follow <- text.String()
		d.Settle()
		d.Keys("G")
		d.See("more 19999", "120004 lines")
	})
}

// The whole log, and that of the container before, are one key away, and the way back
// the same one; who looks at something else holds nothing at the cluster.
func TestOtherLogs(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d, b := inCluster(t, 80, 24)
		b.Cluster().Answers["logs --previous"] = "it fell over\n"
		b.Cluster().Answers["logs --follow -n"] = "the first of all\n"
		d.Keys("G", "enter", "down", "enter", "p")
		d.See("previous container", "it fell over", "1 lines")
		d.Miss("following")
		d.Keys("p")
		d.See("cannot reach ledger", "following")
		d.Keys("a")
		d.See(", whole", "the first of all", "following")
		d.Keys("w", "w", "right")
		lines, _ := b.Cluster().Done()
		want := []string{"logs --follow --tail 500 -n shop payments-0 -c app", "logs --previous -n shop payments-0 -c app", "logs --follow --tail 500 -n shop payments-0 -c app", "logs --follow -n shop payments-0 -c app"}
		if got := lines[len(lines)-4:]; strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("asked\n%s", strings.Join(got, "\n"))
		}
	})
}

// On a light background the pages of a cluster have the light theme's colours.
func TestGoldenLight(t *testing.T) {
	for _, s := range []struct {
		name string
		show func(*testing.T, int, int) *tuitest.Driver
	}{{"cluster-pods-light", cluster("G", "enter")}, {"cluster-logs-light", cluster("G", "enter", "down", "enter")}, {"cluster-error-light", cluster(":", "gadgets", "enter")}} {
		tuitest.Run(t, func(t *testing.T) {
			d := s.show(t, 80, 24)
			d.Send(tea.BackgroundColorMsg{Color: white{}})
			tuitest.Golden(t, s.name, strings.ReplaceAll(d.Styled(), "\x1b", "␛"))
		})
	}
}
