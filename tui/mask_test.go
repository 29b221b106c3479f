package tui_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// TestUnmask: from the cell, its mask tells how it could be seen; asking goes with
// the statement and the column, and it runs once somebody else said yes.
func TestUnmask(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 100, 30)
		d.Keys("select * from customers;", "enter", "tab", "right", "m")
		d.See("Mask of full_name", "nothing masks this cell", "masked where a mask hides it from others")
		d.Keys("u", "esc", "right", "right", "m")
		d.See("Mask of phone", "pii (customers.*)", "shown to support-leads", "press u to ask dba")
		d.Keys("?")
		d.See("ask to see it")
		d.Keys("esc", "u")
		d.See("Needs approval", "public.customers.phone", "engineering/cleartext")
		d.Keys("enter")
		d.See("a reason is needed")
		d.Keys("case 7", "enter")
		d.See("Waiting for approval")
		o := as(t, b, tuitest.Bob, 100, 30)
		o.Keys("2")
		o.See("wants to see public.customers.phone", "In clear", "select * from customers")
		o.Keys("a", "enter")
		d.Advance(time.Second)
		d.See("500 rows")
		if ran := b.Space().Ran(); !slices.Equal(ran, []string{"select * from customers;", "select * from customers;"}) {
			t.Errorf("ran %q", ran)
		}
	})
}
