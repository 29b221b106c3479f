package tui_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// as starts the face of a signed-in person.
func as(t *testing.T, b *tuitest.Bastion, id policy.Identity, w, h int) *tuitest.Driver {
	t.Helper()
	return tuitest.Drive(t, tui.Options{Backend: b.As(id), Site: "bastion.example.com", Width: w, Height: h, Term: "xterm-256color"})
}

// at starts the face of somebody who is not known yet.
func at(t *testing.T, d *tuitest.Door, w, h int) *tuitest.Driver {
	t.Helper()
	return tuitest.Drive(t, tui.Options{Door: d, Site: "bastion.example.com", Width: w, Height: h, Term: "xterm-256color"})
}

func door() (*tuitest.Door, *tuitest.Bastion) {
	b := tuitest.NewBastion(time.Now)
	return tuitest.NewDoor(b.As(tuitest.Alice), time.Now()), b
}

var userCode = regexp.MustCompile(`[A-Z0-9]{4}-[A-Z0-9]{4}`)

func TestSignIn(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		door, _ := door()
		d := at(t, door, 80, 24)
		d.See("http://127.0.0.1:8080/device", "WDJB-MJHT", "5:00 left", "127.0.0.1:53422", door.Flow.Key, "[✓] remember this key for 8 h", "started yourself", "█▀▀▀▀▀█")
		if n := len(userCode.FindAllString(d.Frame(), -1)); n != 1 {
			t.Errorf("%d codes on the screen:\n%s", n, d.Frame())
		}
		if !strings.Contains(d.Styled(), "\x1b]8;id=s;"+door.Flow.CompleteURL) {
			t.Error("the address is no link")
		}
		d.Keys("c")
		if d.Clipboard != "WDJB-MJHT" {
			t.Errorf("c copies %q", d.Clipboard)
		}
		d.Keys("u", "r", "s")
		if d.Clipboard != door.Flow.URL {
			t.Errorf("u copies %q", d.Clipboard)
		}
		d.See("[ ] remember")
		d.Miss("█▀▀▀▀▀█")
		d.Advance(time.Minute)
		d.See("4:00 left")
		door.Answer <- nil
		d.Settle()
		d.See("orders-db", "alice@example.com")
		if door.Kept {
			t.Error("the key is remembered against the choice")
		}
	})
}

func TestSignInFails(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		door, _ := door()
		door.Err = errors.New("the identity provider cannot be reached: dial tcp 127.0.0.1:8080: \x1b[31mrefused")
		d := at(t, door, 80, 24)
		d.See("Sign-in could not start", `\x1b[31mrefused`)
		door.Err = nil
		d.Keys("enter")
		d.See("WDJB-MJHT")
		door.Answer <- errors.New("the sign-in was denied")
		d.Settle()
		d.See("did not complete", "the sign-in was denied")
		door.Flow.Expires = time.Now().Add(5 * time.Minute)
		d.Keys("n")
		d.See("WDJB-MJHT")
		d.Advance(5*time.Minute + time.Second)
		d.See("The code has expired")
		d.Keys("ctrl+c")
		if !d.Quit || d.App.Next().Attach != "" || d.App.Next().SignOut || d.App.Backend() != nil {
			t.Error("ctrl+c does not leave")
		}
	})
}

func TestPicker(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		d.See("keystrokes and output are", "recorded, but single commands cannot be")
		d.Keys("j")
		d.See("▲ PRODUCTION", "ask dba", "writes-need-dba", "customers.email", "7 operations")
		d.Keys("/", "kind:postgres env:prod")
		d.See("2 of 4")
		d.Miss("demo-host")
		d.Keys("down", "enter")
		d.See("ledger cannot be opened now: target is unreachable")
		d.Keys("esc", "zzz")
		d.See("nothing matches")
		d.Keys("esc", "/", "jq")
		d.See("0 of 4")
		d.Keys("esc", "g", "enter")
		if !d.Quit || d.App.Next().Attach != "demo-host" {
			t.Fatalf("next is %+v", d.App.Next())
		}
		d.App.Attached("left demo-host after 12 s", nil)
		d.Start()
		d.See("left demo-host after 12 s", "orders-db")
		d.App.Attached("", errors.New("target's identity \x1b]0;x does not match"))
		d.Start()
		d.See(`✗ target's identity \x1b]0;x does not match`)
		d.Keys("Q")
		d.See("Sign out?")
		d.Keys("y")
		if !d.Quit || !d.App.Next().SignOut {
			t.Errorf("next is %+v", d.App.Next())
		}
	})
}

func TestPickerEmptyAndBroken(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		as(t, b, tuitest.Dave, 80, 24).See("nothing here that you may open", "Groups seen: visitors")
		b.Fail["resources"] = errors.New("recording is unavailable")
		d := as(t, b, tuitest.Alice, 80, 24)
		d.See("recording is unavailable")
		b.Fail["resources"] = nil
		b.Fail["open"] = errors.New("target refused the credential")
		d.Keys("ctrl+r", "orders-db", "enter")
		d.See("orders-db: target refused the credential")
	})
}

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

func TestApprovalStory(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		bob := as(t, b, tuitest.Bob, 80, 24)
		bob.Keys("2")
		bob.See("Nothing waits for you")
		alice := open(t, b, tuitest.Alice, 80, 24)
		alice.Keys("delete from orders;")
		alice.Advance(200 * time.Millisecond)
		alice.See("? needs approval from dba: DELETE without WHERE on", "orders")
		alice.Keys("enter")
		alice.See("Needs approval", "writes-need-dba", "one of dba")
		alice.Keys("enter")
		alice.See("a reason is needed")
		alice.Keys("test data", "enter")
		alice.See("Waiting for approval", "expires in 15:00", `"test data"`, "ap-0002")
		alice.Keys("2")
		alice.See("You cannot decide: this is your own request")
		alice.Keys("a")
		alice.See("cannot be decided here")
		alice.Keys("1")

		bob.Settle()
		bob.See("alice@example.com asks on orders-db ▲ PRODUCTION", "delete from orders;", `"test data"`, "a approve")
		if !slices.Equal(bob.Raw, []string{"\a"}) {
			t.Errorf("the bell rang: %q", bob.Raw)
		}
		bob.Keys("a") // at once: it rests, and counts when nothing follows
		bob.Miss("✓ approved")
		bob.Advance(500 * time.Millisecond)
		bob.See("approved: alice@example.com is told")
		alice.Settle()
		alice.See("12,400 rows affected", "DELETE 12400")
		if got := b.Space().Ran(); !slices.Equal(got, []string{"delete from orders;"}) {
			t.Errorf("ran %q", got)
		}

		alice.Keys("delete from orders;", "enter", "again", "enter")
		bob.Settle()
		bob.Advance(time.Second)
		bob.Keys("d")
		bob.See("Deny, because:")
		bob.Keys("use a where clause", "enter")
		alice.Settle()
		alice.See("Denied by bob@example.com", `"use a where clause"`)

		alice.Keys("delete from orders;", "enter", "third", "enter", "esc")
		alice.See("Withdrawn", "nothing ran")
		if n := len(b.Space().Ran()); n != 1 {
			t.Errorf("%d statements ran", n)
		}
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

func TestApproverGuards(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		bob := as(t, b, tuitest.Bob, 80, 24)
		bob.Keys("2")
		long := "delete from orders where id in (\n" + strings.Repeat("  1,\n", 40) + "  2);\u202e"
		a := b.Request(policy.Approval{Requester: tuitest.Alice, Resource: policy.Resource{Name: "orders-db"}, Statement: long,
			Rule: "r", Approvers: []string{"dba"}, Need: 1, Reason: "x\x1b[2J"})
		bob.Settle()
		bob.See(`"x\x1b[2J"`)
		bob.Keys("a", "n") // typed for something else
		bob.Advance(time.Second)
		bob.Miss("scroll to its end first")
		bob.Keys("a")
		bob.See("scroll to its end first")
		for range 10 {
			bob.Keys("pgdown")
		}
		bob.See("2);<U+202E>", "a approve")
		b.Set(a.ID, func(a *policy.Approval) { a.Hash = "other"; a.Statement = "drop table x" })
		bob.Settle()
		bob.Keys("a", "a", "j") // another statement now: the keys rest again
		bob.Advance(time.Second)
		bob.See("drop table x", "a approve")
		bob.Miss("approved")
		b.Fail["vote"] = errors.New("the request changed since it was shown")
		bob.Keys("a")
		bob.See("the request changed since it was shown")
	})
}

func TestTranscripts(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3")
		d.See("alice@example.com", "orders-db", "demo-host", "58 s")
		d.Keys("action:shell")
		d.Miss("orders-db")
		d.Keys("enter")
		d.Advance(time.Second)
		d.See("alice@demo-host:~$ ls")
		d.Miss("total 12")
		d.Advance(2 * time.Second)
		d.See("total 12", "drwxr-xr-x 2 alice", "typed ls -la⏎")
		if s := d.Styled(); strings.Contains(s, "]0;") || strings.Contains(s, "]52;") {
			t.Error("a sequence of the recording reaches the viewer")
		}
		d.Keys("G")
		d.See("exit", "end")
		d.Keys("g", "space")
		d.See("0:00 / 0:31")
		d.Keys("n")
		d.See("0:01 / 0:31", "total 12")
		d.Keys("left", "p")
		d.Miss("total 12")
		d.Keys("esc")
		d.See("/ action:shell", "person")
	})
}

func TestTimeline(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "enter")
		d.Advance(2 * time.Second)
		d.See("types     select full_name")
		d.Miss("engineers-read")
		d.Keys("G")
		d.See("allowed by rule engineers-read", "▒ [masked]", `Priya \x1b[2JLindqvist`, "ap-0007 pending", "bob@example.com denied", "ended     closed")
		d.Keys("p", "space")
		d.See("asks      delete from orders;")
		d.Miss("ended     closed")
		d.Keys("g", "+", "i")
		d.See("2x")
	})
}

// TestEverySize draws every page at every size: no panic, and every line is
// exactly as wide as the window, with nothing in it that drives a terminal.
func TestEverySize(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		dr, _ := door()
		faces := map[string]*tuitest.Driver{"sign-in": at(t, dr, 80, 24), "picker": as(t, b, tuitest.Alice, 80, 24), "help": as(t, b, tuitest.Alice, 80, 24)}
		faces["help"].Keys("?")
		for name, keys := range map[string][]string{
			"editor": {"select"}, "result": {"select * from customers;", "enter"}, "ask": {"delete from orders;", "enter"},
			"cell": {"select * from customers;", "enter", "tab", "enter"}, "record": {"select * from customers;", "enter", "tab", "x"},
			"mask":    {"select * from customers;", "enter", "tab", "right", "right", "m"},
			"refused": {"drop table x;", "enter"}, "history": {"select 1;", "enter", "ctrl+r"}, "wait": {"delete from orders;", "enter", "w", "enter"},
		} {
			faces[name] = open(t, b, tuitest.Alice, 80, 24)
			faces[name].Keys(keys...)
		}
		for name, keys := range map[string][]string{"approvals": {"2"}, "transcripts": {"3"}, "replay": {"3", "enter", "G"}, "shell": {"3", "j", "enter", "G"}, "quit": {"Q"},
			"search": {"3", "/", "from", "enter"}, "nothing found": {"3", "/", "zzz", "enter"}, "note": {"3", "j", "enter", "m", "words"},
			"find": {"3", "enter", "/", "x"}} {
			faces[name] = as(t, b, tuitest.Bob, 80, 24)
			faces[name].Keys(keys...)
		}
		for name, d := range faces {
			for _, s := range [][2]int{{0, 0}, {1, 1}, {2, 3}, {20, 5}, {33, 9}, {45, 12}, {60, 18}, {76, 20}, {80, 24}, {119, 31}, {200, 50}, {500, 100}} {
				d.Resize(s[0], s[1])
				checkFrame(t, fmt.Sprintf("%s at %dx%d", name, s[0], s[1]), d, s[0], s[1])
			}
		}
	})
}

func checkFrame(t *testing.T, name string, d *tuitest.Driver, w, h int) {
	t.Helper()
	if w == 0 {
		w, h = 80, 24
	}
	lines := strings.Split(ansi.Strip(d.Styled()), "\n")
	if len(lines) != h {
		t.Errorf("%s: %d lines", name, len(lines))
	}
	for _, l := range lines {
		if got := ansi.StringWidthWc(l); got != w {
			t.Errorf("%s: a line is %d cells wide: %q", name, got, l)
		}
		for _, r := range l {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r > 0xffff {
				t.Errorf("%s: %U is on the screen", name, r)
			}
		}
	}
}

func TestPlainTerminals(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := tuitest.Drive(t, tui.Options{Backend: b.As(tuitest.Alice), Term: "linux"})
		d.Keys("j", "enter", "select * from customers;", "enter")
		for _, r := range d.Frame() {
			if r > 0x7e && !strings.ContainsRune("李小龍", r) {
				t.Errorf("%U is on an ASCII terminal", r)
			}
		}
		d = tuitest.Drive(t, tui.Options{Backend: b.As(tuitest.Alice), Term: "xterm", NoColor: true})
		if regexp.MustCompile(`\x1b\[[0-9;]*[34][0-9](;|m)`).MatchString(d.Styled()) {
			t.Error("there are colours in spite of NO_COLOR")
		}
	})
}

func TestLightAndDark(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		dark := d.Styled()
		d.Send(tea.BackgroundColorMsg{Color: white{}})
		if d.Styled() == dark {
			t.Error("a light background changes nothing")
		}
	})
}

type white struct{}

func (white) RGBA() (r, g, b, a uint32) { return 0xffff, 0xffff, 0xffff, 0xffff }

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
