package tui_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
		d.See("▲ PRODUCTION", "ask dba", "writes-need-dba", "customers.email", "7 operations")
		d.Keys("j")
		d.See("keystrokes and output are", "recorded, but single commands cannot be")
		d.Keys("/", "kind:postgres env:prod")
		d.See("2 of 4")
		d.Miss("demo-host")
		d.Keys("down", "enter")
		d.See("ledger cannot be opened now: target is unreachable")
		d.Keys("esc", "zzz")
		d.See("nothing matches")
		d.Keys("esc", "/", "jq")
		d.See("0 of 4")
		d.Keys("esc", "/", "demo", "enter")
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

// What of the requester's a host would use stands in the list and beside the statement;
// on a tiny window, where the terms are cut, before the statement, to be read to its end.
func TestApproverSeesWhatIsLent(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Request(policy.Approval{Requester: tuitest.Alice, Action: policy.ActionShell, Resource: policy.Resource{Name: "web-1", Kind: "ssh"}, Statement: "shell",
			Rule: "r", Approvers: []string{"dba"}, Need: 1, Reason: "x", AgentForwarding: true, X11Forwarding: true})
		wide := as(t, b, tuitest.Bob, 200, 40)
		wide.Keys("2")
		wide.See("lends agent+X11: s", "Lends", "can sign in elsewhere by the requester's keys", "read and drive the requester's display")
		tiny := as(t, b, tuitest.Bob, 60, 8)
		tiny.Keys("2")
		tiny.See("lends agent+X11:")
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

// A right says what it lends.
func TestTermsNameWhatIsLent(t *testing.T) {
	d := policy.Decision{Effect: policy.Allow, AgentForwarding: true}
	if got := tui.Terms(d); !slices.Contains(got, "agent forwarding, if you offer it") {
		t.Errorf("terms: %q", got)
	}
	d.Effect = policy.Deny
	if got := tui.Terms(d); len(got) != 0 {
		t.Errorf("terms of a denial: %q", got)
	}
}
