package widget

import "testing"

// What stands behind so many cells, with a mark that something is left out.
func TestFrom(t *testing.T) {
	for _, c := range []struct {
		text string
		at   int
		want string
	}{{"0123456789", 0, "0123456789"}, {"0123456789", 4, "…56789"}, {"0123456789", 9, "…"}, {"0123456789", 10, "…"}, {"0123456789", 99, "…"}, {"", 3, ""}, {"日本語です", 4, "…です"}, {"日本語です", 3, "…語です"}} {
		if got := From(c.text, c.at); got != c.want {
			t.Errorf("From(%q, %d) = %q, want %q", c.text, c.at, got, c.want)
		}
		if w := Width(From(c.text, c.at)); w > max(1, Width(c.text)-c.at) && c.text != "" {
			t.Errorf("From(%q, %d) is %d wide", c.text, c.at, w)
		}
	}
}
