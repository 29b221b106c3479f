package tui_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// open starts a person's workspace on orders-db.
func open(t *testing.T, b *tuitest.Bastion, id policy.Identity, w, h int) *tuitest.Driver {
	t.Helper()
	d := as(t, b, id, w, h)
	d.Keys("orders-db", "enter")
	return d
}

func TestWorkspace(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.See("Tables", "customers", "full_name", "card_number")
		d.Keys("select * from customers;")
		d.Miss("allowed by rule")
		d.Advance(200 * time.Millisecond)
		d.See("✓ allowed by rule engineers-read")
		d.Keys("enter")
		d.See("Tomas Fontaine", "▒ [masked]", "▒ *** 2100", "500 rows", "cells masked", "500 cells withheld")
		d.Keys("tab", "end")
		d.See("░ withheld", "NULL")
		d.Keys("enter")
		d.See("its origin cannot be told")
		d.Keys("esc", "x")
		d.See("row 1 of 500", "full_name   │ Tomas Fontaine")
		d.Keys("x", "home", "G")
		d.See("500 │ Noor Brandt")
		d.Keys("esc", "drop table customers;", "enter")
		d.See("Refused by rule no-drops", "tables are dropped by migrations only", "ask a dba for a migration")
		d.Keys("select syntax;", "enter")
		d.See("The statement failed (42601)", "at character 8")
		d.Keys("ctrl+r", "cust")
		d.See("History", "select * from customers;")
		d.Keys("down", "enter", "ctrl+j")
		d.See("500 rows")
		if got := b.Space().Ran(); !slices.Equal(got, []string{"select * from customers;", "select syntax;", "select * from customers;"}) {
			t.Errorf("ran %q", got)
		}
		d.Keys("esc")
		d.See("type to filter")
		if closed, open := b.Space().Closed(); closed != 1 || open != 0 {
			t.Errorf("the session was closed %d times, %d answers are open", closed, open)
		}
		keys := strings.Join(b.Space().Keys(), "")
		if !strings.HasPrefix(keys, "selectspace*spacefromspacecustomers;entertabendenterescxxhomeGescdrop") {
			t.Errorf("the keys are %q", keys)
		}
	})
}

// F5 tells why, without running anything: the rules that were tried, and for a
// denial what would have to be granted. The text stays, and so does its verdict.
func TestWhy(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("f5")
		d.See("type a statement first")
		d.Keys("delete from orders", "f5")
		d.See("Why", "? needs approval from one of dba on orders-db for alice@example.com", "DELETE: write, destructive", "about 12,400 rows")
		d.Keys("G")
		d.See("yes  approve writes-need-dba", "policy.yaml:16")
		d.Miss("The smallest grant")
		d.Keys("x", "q")
		d.Advance(200 * time.Millisecond)
		d.See("delete from orders", "needs approval from dba")
		d.Miss("Rules tried", "ordersx")
		d.Keys("ctrl+c", "drop table customers", "f5")
		d.See("denied on orders-db")
		d.Keys("G")
		d.See("The smallest grant that would allow it", "allow: [ddl]")
		d.Keys("f5")
		d.Miss("The smallest grant")
		if got := b.Space().Ran(); len(got) != 0 {
			t.Errorf("ran %q", got)
		}
		d.Keys("f5")
		b.Space().End(errors.New("the right to it was lost"))
		d.Settle()
		d.See("The session has ended", "the right to it was lost")
	})
}

// A verdict of a text that has changed is not waited for, and never shown.
func TestVerdictOfStaleText(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Judging = make(chan string)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("delete from orders")
		d.Advance(200 * time.Millisecond)
		d.Keys("ctrl+c", "select 1")
		d.Advance(200 * time.Millisecond)
		if n := b.Space().Judged(); n != 2 {
			t.Fatalf("%d judgements began, want 2", n)
		}
		if n := b.Space().GivenUp(); n != 1 {
			t.Errorf("%d judgements were given up, want the stale one", n)
		}
		b.Judging <- "go on"
		d.Settle()
		d.See("allowed by rule engineers-read")
		d.Miss("needs approval")
	})
}

func TestWorkspacePasteAndEdit(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Paste("select\x1b[2J 1\r\nfrom big;")
		d.See(`select\x1b[2J 1`, "from big;")
		d.Keys("ctrl+c", `\x`, "enter", "select * from hostile;", "ctrl+j")
		d.See(`a\x1b]0;x\x07`, `\x1b[31mred<U+202E>evil<U+0085>`, `<U+E0041>漢字\xff\n`)
		if keys := b.Space().Keys(); !slices.Contains(keys, "select\x1b[2J 1\r\nfrom big;") {
			t.Errorf("the paste is not in %q", keys)
		}
		d.Keys("a")
		d.Miss("select")
		d.Keys("esc")
		d.See("esc again leaves")
		d.Keys("esc")
		d.See("type to filter")
	})
}

func TestMillionRowsInBoundedMemory(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Rows = 100_000
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select * from big;", "enter")
		d.See("1,000 rows so far")
		d.Keys("tab", "pgdown", "G")
		d.See("100,000 rows", "the first 80,000 scrolled out", "row 99999 of many")
	})
}

func TestCancel(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Slow = time.Hour
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select 1;", "enter")
		d.Advance(2 * time.Second)
		d.See("running  0:02")
		d.Keys("alt+2", "q")
		d.See("Quit?", "On orders-db a statement is running")
		d.Keys("n", "alt+1", "ctrl+d")
		d.See("Leave?")
		d.Keys("n")
		d.Keys("ctrl+c")
		d.See("Cancelled")
		if len(b.Space().Ran()) != 0 {
			t.Error("it ran")
		}
		d.Keys("select 2;", "enter", "ctrl+c")
		d.See("Cancelled")
	})
}

func TestLeavingWithARequestAsks(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("delete from orders;", "enter", "why", "enter", "3", "q")
		d.See("Quit?", "a request waits for approval")
		d.Keys("y")
		d.App.Close()
		if closed, _ := b.Space().Closed(); !d.Quit || closed != 1 {
			t.Errorf("quit %v, closed %d times", d.Quit, closed)
		}
	})
}

func TestSessionEndedFromBehind(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		b.Space().End(errors.New("recording is unavailable"))
		d.Settle()
		d.See("The session has ended", "recording is unavailable")
		d.Keys("j")
		d.See("type to filter")

		d.Keys("orders-db", "enter")
		b.Fail["key"] = errors.New("recording is unavailable")
		d.Keys("s")
		d.See("The session has ended")
		d.Miss("│ s")
	})
}

func BenchmarkCursorDown(b *testing.B) {
	all := make([]tui.Listing, 10000)
	for i := range all {
		all[i] = tui.Listing{Resource: policy.Resource{Name: fmt.Sprintf("edge-%05d", i), Kind: "ssh", Labels: map[string]string{"env": "prod"}}, Power: "shell"}
	}
	bastion := tuitest.NewBastion(time.Now)
	bastion.Listings = all
	app := tui.New(tui.Options{Backend: bastion.As(tuitest.Alice), Width: 120, Height: 40, Term: "xterm-256color"})
	defer app.Close()
	cmd := app.Init()
	for _, c := range cmd().(tea.BatchMsg) {
		if c == nil {
			continue
		}
		done := make(chan tea.Msg, 1)
		go func() { done <- c() }()
		select {
		case m := <-done:
			app.Update(m)
		case <-time.After(100 * time.Millisecond): // a watch: it never comes
		}
	}
	for b.Loop() {
		app.Update(tea.KeyPressMsg{Code: tea.KeyDown})
		if len(app.View().Content) == 0 {
			b.Fatal("nothing is drawn")
		}
	}
}
