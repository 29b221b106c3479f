package tui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// TestSearchLeadsToTheMoment: words are found, and enter is there.
func TestSearchLeadsToTheMoment(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		b.AskReason = true
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "/")
		d.See("person:alice verdict:deny", "enter finds it")
		d.Keys("nonsense", "enter")
		d.See("nothing was found")
		d.Keys(strings.Split(strings.Repeat("backspace ", 8), " ")[:8]...)
		d.Keys("person:alice from orders", "enter")
		d.See("1 hit", "delete from orders;", "alice@example.com")
		d.Keys("enter")
		d.See("role auditors asks why")
		d.Keys("enter") // without one it does not go on
		d.See("role auditors asks why")
		d.Keys("ticket 17", "enter")
		d.See("asks      delete from orders;", "0:23 / ")
		d.Miss("needs approval by rule writes-need-dba")
		d.Keys("esc")
		d.See("1 hit")
		d.Keys(" since:yesterday", "enter")
		d.See(`"yesterday" is no time`)
		b.Fail["search"] = errors.New("transcripts are sealed: this bastion cannot read what it records")
		d.Keys(strings.Split(strings.Repeat("backspace ", 15), " ")[:15]...)
		d.Keys("enter")
		d.See("transcripts are sealed")
	})
}

// TestHitInARunOfOutput: enter leads to the text, not to where its run begins.
func TestHitInARunOfOutput(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "/", "total 12", "enter")
		d.See("1 hit", `total 12\r\n`)
		d.Keys("enter")
		d.See("drwxr-xr-x 2 alice", "0:01 / 0:31")
	})
}

// TestReplayTools: find, link, note, marks and the badge.
func TestReplayTools(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "j", "enter", "space")
		d.See("verified")
		d.Keys("/", "TOTAL 12", "enter")
		d.See("total 12", "0:01 / 0:31")
		d.Keys("N")
		d.See("from here on nothing says TOTAL 12")
		d.Keys("g", "/", "total 12", "enter", "y")
		if d.Clipboard != "ssh BASTION replay 20261123T1744-0001@0:01" {
			t.Errorf("copied %q", d.Clipboard)
		}
		d.Keys("m", "look here", "enter")
		d.See("the note is on record")
		if len(b.Notes) != 1 || b.Notes[0] != "20261123T1744-0001@0:01: look here" {
			t.Errorf("notes %q", b.Notes)
		}
		d.Keys("esc", "k")
		b.Integrity = &tui.Integrity{Events: 4, At: 5, Broken: "the hash differs"}
		d.Keys("enter")
		d.See("broken at event 5", "┼")
	})
}

// TestHiddenInput: keys without echo are told by their number.
func TestHiddenInput(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		h := &b.Heads[1]
		tape := b.Events[h.ID]
		tape[3].Kind, tape[3].Data = recorder.KindHidden, []byte(`{"keys":11}`)
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "j", "enter", "G")
		d.See("[11 keys without echo]")
	})
}

// TestWatchAndEnd: a live session is marked, followed and ended.
func TestWatchAndEnd(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		h := &b.Heads[1]
		tape := b.Events[h.ID]
		h.Ended, h.EndedAt = nil, time.Time{}
		b.Events[h.ID] = tape[:2]
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3", "w")
		d.Miss("live ") // the first one has ended: w filters
		d.Keys("esc", "j")
		d.See("live", "end session")
		d.Keys("w")
		d.See("alice@demo-host", "live")
		d.Miss("total 12")
		b.Events[h.ID] = tape[:len(tape)-1]
		d.Advance(time.Second)
		d.See("total 12", "live")
		b.Events[h.ID] = tape
		d.Advance(time.Second)
		d.See("end")
		d.Keys("esc", "x")
		d.See("end alice@example.com on demo-host, because")
		d.Keys("enter") // another's needs a reason
		d.Keys("it runs too long", "enter")
		d.See("ended: alice@example.com is told why")
		if len(b.Ends) != 1 || b.Ends[0] != string(h.ID)+": it runs too long" {
			t.Errorf("ended %q", b.Ends)
		}
	})
}

func TestParseQuery(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]tui.Query{
		`person:alice verdict:deny since:2d drop "a  b"`: {Text: `drop "a  b"`, Person: "alice", Verdict: "deny", From: now.Add(-48 * time.Hour)},
		`https://x label:env=prod destructive:yes`:       {Text: "https://x", Label: "env=prod", Destructive: true},
		`until:2026-11-01T10:00 "person:bob" what:`:      {Text: `"person:bob" what:`, To: time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)},
	} {
		if got, err := tui.ParseQuery(in, now); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for _, bad := range []string{"since:yesterday", "until:d", "since:-2h"} {
		if _, err := tui.ParseQuery(bad, now); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestManyTranscripts: the list is bounded, and says so.
func TestManyTranscripts(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		for range 100_000 {
			b.Heads = append(b.Heads, b.Heads[0])
		}
		d := as(t, b, tuitest.Carol, 100, 30)
		d.Keys("3")
		d.See("the newest 5000")
		d.Keys("action:shell")
		d.See("1 of 5000")
	})
}

// A program without a terminal ends its lines by line feeds: its replay is no
// staircase, and says what ran and how that ended.
func TestReplayOfCommand(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Command()
		d := as(t, b, tuitest.Carol, 80, 24)
		d.Keys("3", "enter", "G")
		d.See("\nFilesystem  Use%\n/dev/vda     62%\n", "ran /bin/df -h -- /: ok, exit 1")
		d.Miss("typed")
		d.Keys("g")
		d.Miss("/dev/vda")
	})
}

// Whoever is at the top of the transcripts stays with the newest; whoever chose one
// stays with that.
func TestTranscriptsNewest(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, 80, 24)
		newer := func(name string) {
			h := b.Heads[0]
			h.ID, h.Header.Resource = recorder.ID(name), name
			b.Heads = append([]recorder.Head{h}, b.Heads...)
		}
		newer("first-new")
		d.Keys("3")
		if line := pointed(d); !strings.Contains(line, "first-new") {
			t.Errorf("selected is %q, want the newest", line)
		}
		d.Keys("j")
		chosen := pointed(d)
		newer("second-new")
		d.Keys("ctrl+r")
		d.See("second-new")
		if line := pointed(d); line != chosen {
			t.Errorf("selected is %q, want the one that was chosen: %q", line, chosen)
		}
	})
}

// pointed is the line with the cursor.
func pointed(d *tuitest.Driver) string {
	for l := range strings.SplitSeq(d.Frame(), "\n") {
		if strings.HasPrefix(l, "▌") {
			return l
		}
	}
	return ""
}
