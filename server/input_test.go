package server

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// A key typed while the terminal changes hands belongs to the new owner.
func TestLeaseLosesNoKey(t *testing.T) {
	r, w := io.Pipe()
	in := newInput(r)
	first := in.Lease()
	got, rest := make(chan string), make(chan string)
	go func() {
		b := make([]byte, 1)
		if _, err := io.ReadFull(first, b); err != nil {
			t.Error(err)
		}
		got <- string(b)
		more, err := io.ReadAll(first) // waits, and ends with the lease
		if err != nil {
			t.Error(err)
		}
		rest <- string(more)
	}()
	io.WriteString(w, "a")
	if s := <-got; s != "a" {
		t.Errorf("the first owner read %q, want %q", s, "a")
	}
	second := in.Lease()
	if s := <-rest; s != "" {
		t.Errorf("the first owner read %q after its lease", s)
	}
	go func() { io.WriteString(w, "bc"); w.Close() }()
	b, err := io.ReadAll(second)
	if string(b) != "bc" || err != nil {
		t.Errorf("the second owner read %q, %v; want %q", b, err, "bc")
	}
}

// The escape ends the owner's input, and what stands behind it, a paste's rest say, is
// not typed into what comes next.
func TestEscapeLeaves(t *testing.T) {
	for _, tt := range []struct {
		in, out string
		left    bool
	}{
		{"ls\r", "ls\r", false},
		{"\x1d", "", true},
		{"ls\r\x1dmore", "ls\r", true},
		{"vi\x1d", "vi\x1d", false},
		{"\r\r\x1d", "\r\r", true},
	} {
		for _, step := range []int{1, len(tt.in)} {
			r, w := io.Pipe()
			in := newInput(r)
			left := make(chan bool, 1)
			owner := in.LeaseUntil(func() { left <- true })
			go func() {
				for b := range slices.Chunk([]byte(tt.in), step) {
					_, _ = w.Write(b) // a pipe's end takes all
				}
				_ = w.Close() // never fails
			}()
			b, err := io.ReadAll(owner)
			if string(b) != tt.out || (len(left) == 1) != tt.left || err != nil {
				t.Errorf("%q in steps of %d: read %q, left %v, %v; want %q, %v", tt.in, step, b, len(left) == 1, err, tt.out, tt.left)
			}
			if rest, _ := io.ReadAll(in.Lease()); len(rest) > 0 && tt.left && step > 1 {
				t.Errorf("%q: whoever comes next reads %q", tt.in, rest)
			}
		}
	}
}

// Who is attached to a target that reads nothing leaves all the same, and what it did
// not read is typed into nothing else.
func TestEscapeLeavesDeafTarget(t *testing.T) {
	r, w := io.Pipe()
	in := newInput(r)
	left := make(chan bool)
	owner := in.LeaseUntil(func() { close(left) })
	for _, typed := range []string{"a", "pprove\r", strings.Repeat("x", maxInput/2), "\r", "\x1d"} {
		if _, err := io.WriteString(w, typed); err != nil {
			t.Fatal(err)
		}
	}
	<-left
	next := in.Lease()
	go func() { io.WriteString(w, "q"); w.Close() }()
	if b, err := io.ReadAll(next); string(b) != "q" || err != nil {
		t.Errorf("whoever comes next reads %q, %v", b, err)
	}
	if b, err := io.ReadAll(owner); len(b) > 0 || err != nil {
		t.Errorf("the owner still reads %q, %v", b, err)
	}
}

func TestSafeJSON(t *testing.T) {
	in := "{\"a\":\"x\u009by\u202ez\x7f\U000E0041é\"}"
	want := `{"a":"x\u009by\u202ez\u007f\udb40\udc41é"}`
	if got := string(safeJSON([]byte(in))); got != want {
		t.Errorf("safeJSON = %s, want %s", got, want)
	}
}
