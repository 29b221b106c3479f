package tui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// commanding opens the declared command.
func commanding(t *testing.T, b *tuitest.Bastion, w, h int) *tuitest.Driver {
	t.Helper()
	b.Listings = append([]tui.Listing{tuitest.RunbookListing()}, b.Listings...)
	d := as(t, b, tuitest.Alice, w, h)
	d.Keys("restart-shop", "enter")
	d.Advance(200 * time.Millisecond)
	return d
}

func command(keys ...string) func(t *testing.T, w, h int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		d := commanding(t, tuitest.NewBastion(time.Now), w, h)
		d.Keys(keys...)
		d.Advance(200 * time.Millisecond)
		return d
	}
}

var runbookStates = []state{
	{"runbook", true, command()},
	{"runbook-done", false, command("right", "tab", "tab", "hello", "enter")},
	{"runbook-wrong", false, command("tab", "backspace", "99", "enter")},
	{"runbook-ask", true, command("up", "right", "enter", "it hangs")},
	{"runbook-hostile", false, command("tab", "tab", "hostile", "enter")},
}

// TestRunbook: a form is filled in, and what it would run, the verdict and the
// output show in place.
func TestRunbook(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := commanding(t, tuitest.NewBastion(time.Now), 80, 24)
		d.See("Restarts the shop's workers", "region", "< eu >", "count", "1 to 10", "may be left out", "allowed by rule runbooks/looks",
			"$ /usr/bin/systemctl restart region=eu count=1", "PRODUCTION")
		d.Keys("right", "tab", "tab", "two words")
		d.Advance(200 * time.Millisecond)
		d.See("region    us", "two words", "region=us count=1")
		d.Keys("enter")
		d.Settle()
		d.See("restarted region=us count=1 note=two words", "of [email]", "Exit code 3")
		d.Keys("ctrl+c")
		d.See("< eu >")
		d.Keys("u")
		d.See("< us >")
		d.Keys("tab", "backspace", "99")
		d.Advance(200 * time.Millisecond)
		d.Keys("enter")
		d.See("count is a whole number from 1 to 10")
		d.Keys("f5")
		d.See("count is a whole number")
		d.Keys("esc", "esc")
		d.See("restart-shop", "filter")
	})
}

// TestRunbookApproval: what needs a yes waits for it in the same screen.
func TestRunbookApproval(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := commanding(t, b, 80, 24)
		d.Keys("up", "right")
		d.Advance(200 * time.Millisecond)
		d.See("needs approval from dba", "< on >")
		d.Keys("enter", "enter")
		d.See("Needs approval", "a reason is needed")
		d.Keys("it hangs", "enter")
		d.See("Waiting for approval", "it hangs")
		list, err := b.As(tuitest.Bob).Approvals(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if err := b.As(tuitest.Bob).Vote(t.Context(), list[0].ID, list[0].Hash, true, ""); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.See("restarted region=eu count=1 force=on", "Done")
	})
}

// TestRunbookStream: output shows as it comes, and ctrl+c ends the command.
func TestRunbookStream(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := commanding(t, tuitest.NewBastion(time.Now), 80, 24)
		d.Keys("tab", "backspace", "9", "enter")
		d.Advance(2500 * time.Millisecond)
		d.See("worker 3 restarted", "runs for 2", "ctrl+c ends it")
		d.Miss("worker 4")
		d.Keys("ctrl+c")
		d.Settle()
		d.See("Ended", "worker 3 restarted")
	})
}

// TestRunbookHostile: what a command writes drives no terminal.
func TestRunbookHostile(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := commanding(t, tuitest.NewBastion(time.Now), 80, 24)
		d.Keys("tab", "tab", "hostile", "enter")
		d.Settle()
		d.See(`\x1b]0;owned\x07plain\x1b[2J`, `second <U+202E>line`)
		if s := d.Styled(); strings.Contains(s, "\x1b]0;owned") || strings.Contains(s, "\u202e") {
			t.Error("the terminal is driven")
		}
	})
}
