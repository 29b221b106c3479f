package session

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

const noise = "\x7fELF\x02\x01\x01\x00\x00\x00 ann@example.com in a program"

var plain = strings.Repeat("a line of a log, and nothing else\n", 300)

var contentCases = []struct {
	name, content string
	cut           int
	binary, clear bool // clear: nothing looks into content
	limit         int64
	shown         string // all that comes, or a beginning of it
	why           string // "" where all of it comes
	unexamined    bool
}{
	{"text", plain, 100, false, false, 0, plain, "", false},
	{"text, byte by byte", plain[:2000], 1, false, false, 0, plain[:2000], "", false},
	{"an address", plain + "ann@example.com\n" + plain, 100, false, false, 0, plain, "rule masks", false},
	{"an address in two pieces", "to ann@exa" + "mple.com\n", 10, false, false, 0, "to ", "rule masks", false},
	{"an address at the end", "ann@example.com", 4, false, false, 0, "", "rule masks", false},
	{"an address, where binary is allowed", plain + "ann@example.com\n", 64, true, false, 0, plain, "rule masks", false},
	{"a program", noise, 1000, false, false, 0, "", "engineer/files: it was ended: the file is not text", false},
	{"a program, allowed", noise, 1000, true, false, 0, noise, "", true},
	{"a program for whom nothing is masked", noise, 3, false, true, 0, noise, "", false},
	{"an address for whom nothing is masked", "ann@example.com", 3, false, true, 0, "ann@example.com", "", false},
	{"more than the rule lets", plain, 100, false, false, 150, plain[:100], "more was read than the 150 bytes", false},
	{"nothing", "", 1, false, false, 0, "", "", false},
}

// A file's content passes as it is or not at all: where detectors are on, up to the
// first thing that they would mask, and nothing that they cannot read unless the
// rule says binary.
func TestContent(t *testing.T) {
	for _, c := range contentCases {
		w := newWorld(t)
		s := w.open(t, alice)
		tm := terms{rule: "engineer/files", binary: c.binary}
		tm.stream.tighten(c.limit, "engineer/files")
		p, ctx := streaming(t, s, tm)
		if c.clear {
			var err error
			if p.seen, err = mask.NewPlan(nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		content := p.Content(&out)
		if content.Ordered() == c.clear {
			t.Errorf("%s: in order: %v", c.name, content.Ordered())
		}
		var err error
		for rest := c.content; err == nil && rest != ""; {
			n := min(c.cut, len(rest))
			_, err = content.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if err == nil {
			err = content.Flush()
		}
		p.Done(connectors.Outcome{File: &connectors.Transfer{Path: "/x", Read: int64(out.Len())}})
		if c.why == "" && (err != nil || out.String() != c.shown) {
			t.Errorf("%s: %v, and %d bytes came of %d", c.name, err, out.Len(), len(c.content))
		}
		if c.why != "" {
			var refusal *policy.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.why) || !errors.As(context.Cause(ctx), &refusal) {
				t.Errorf("%s: %v, ended by %v", c.name, err, context.Cause(ctx))
			}
			if !strings.HasPrefix(c.shown, out.String()) {
				t.Errorf("%s: %q came", c.name, out.String())
			}
			if _, again := content.Write([]byte("more")); again == nil {
				t.Errorf("%s: it goes on after it was refused", c.name)
			}
		}
		if e := w.evidence(t, s.ID(), recorder.KindFile); len(e) != 1 || strings.Contains(e[0], "unexamined") != c.unexamined {
			t.Errorf("%s: recorded %q", c.name, e)
		}
	}
}

// Files are open beside each other and beside a statement; there are bounds.
func TestRoom(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	one, ok := s.room(policy.ActionSQL)
	if _, again := s.room(policy.ActionExec); !ok || again {
		t.Error("two operations run at a time")
	}
	var all []func()
	for range maxFiles {
		free, ok := s.room(policy.ActionFile)
		if !ok {
			t.Fatal("there is no room for files")
		}
		all = append(all, free)
	}
	if _, ok := s.room(policy.ActionFile); ok {
		t.Error("any number of files is open at a time")
	}
	one()
	for _, free := range all {
		free()
	}
	free, ok := s.room(policy.ActionFile)
	if !ok {
		t.Fatal("the place of a closed file is not given back")
	}
	free()
}
