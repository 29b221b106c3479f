package tui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// repainted is how many cells differ, line by line: about what goes over the line.
func repainted(before, after string) (cells int, lines []int) {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range a {
		if i >= len(b) || a[i] == b[i] {
			continue
		}
		lines = append(lines, i)
		x, y := []rune(b[i]), []rune(a[i])
		for k := range max(len(x), len(y)) {
			if k >= len(x) || k >= len(y) || x[k] != y[k] {
				cells++
			}
		}
	}
	return cells, lines
}

// On a slow line a key costs what it changes: what lies below the editor stays where
// it is while a verdict comes and goes.
func TestTypingRepaintsLittle(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 64, 20)
		d.Keys("select * from customers;", "enter", "ctrl+c")
		d.Keys("delete ")
		d.Advance(200 * time.Millisecond)
		d.See("needs approval from dba: DELETE without WHERE on orders,", "about 12,400")
		grid := slices.IndexFunc(strings.Split(d.Frame(), "\n"), func(l string) bool { return strings.Contains(l, "full_name") })
		for _, k := range "from orders" {
			before := d.Frame()
			d.Keys(string(k))
			typed := d.Frame()
			cells, lines := repainted(before, typed)
			if cells > 200 || lines[len(lines)-1] >= grid && lines[len(lines)-1] < 18 {
				t.Errorf("%q changes %d cells in the lines %v, the grid begins at %d:\n%s", k, cells, lines, grid, typed)
			}
			d.Advance(200 * time.Millisecond)
			if _, lines := repainted(typed, d.Frame()); len(lines) > 0 && lines[len(lines)-1] >= grid && lines[len(lines)-1] < 18 {
				t.Errorf("the verdict after %q moves the lines %v:\n%s", k, lines, d.Frame())
			}
		}
	})
}

// A waiting page draws its sign and its clock, nothing else.
func TestWaitingRepaintsLittle(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Slow = time.Minute
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select * from customers;", "enter")
		d.Advance(1500 * time.Millisecond)
		before := d.Frame()
		frames := 0
		for range 60 {
			d.Advance(50 * time.Millisecond)
			after := d.Frame()
			if cells, lines := repainted(before, after); cells > 0 {
				frames++
				if cells > 3 || len(lines) > 1 {
					t.Errorf("%d cells change in the lines %v", cells, lines)
				}
			}
			before = after
		}
		if frames > 3*9 {
			t.Errorf("%d frames in three seconds", frames)
		}
	})
}
