package server

import (
	"io"
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

// The owner's end of the input does not swallow what stands behind it.
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
		left := false
		b, err := io.ReadAll(&escapeReader{r: strings.NewReader(tt.in), leave: func() { left = true }})
		if string(b) != tt.out || left != tt.left || err != nil {
			t.Errorf("%q: read %q, left %v, %v; want %q, %v", tt.in, b, left, err, tt.out, tt.left)
		}
	}
}

func TestSafeJSON(t *testing.T) {
	in := "{\"a\":\"x\u009by\u202ez\x7f\U000E0041é\"}"
	want := `{"a":"x\u009by\u202ez\u007f\udb40\udc41é"}`
	if got := string(safeJSON([]byte(in))); got != want {
		t.Errorf("safeJSON = %s, want %s", got, want)
	}
}
