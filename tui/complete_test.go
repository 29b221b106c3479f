package tui_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// Tab completes the word before the cursor: columns of what the text speaks of
// first; again is the next, and the last is the word as it was typed.
func TestComplete(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select o")
		d.See("tab complete")
		d.Keys("tab")
		d.See("select orders")
		d.Keys("tab", "tab")
		d.Miss("select orders ")
		d.Keys("ctrl+c", "select card_number from payments where me", "tab")
		d.See("payments where method")
		d.Keys(" = 'x'", ";", "enter", "tab", "tab", "esc")
		d.Keys("SEL", "tab", "shift+tab", "x")
		d.See("SELx")
		d.Keys("ctrl+c", "select ord", "tab", "left", "left", "tab")
		d.See("select orders")
		d.Keys("ctrl+c", "zz")
		d.Miss("tab complete")
		if got := b.Space().Ran(); !slices.Equal(got, []string{"select card_number from payments where method = 'x';"}) {
			t.Errorf("ran %q", got)
		}
	})
}

// A name that is no plain word is quoted, whatever it holds, so that it stays one.
func TestCompleteQuotes(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Catalog = []connectors.Relation{{Schema: "public", Name: `or"ders; drop table x`}, {Schema: "ware", Name: "stock"}, {Schema: "public", Name: "table"}}
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select * from or", "tab")
		d.See(`from "or""ders; drop table x"`)
		d.Keys("ctrl+c", "tab", "down", "enter")
		d.See(" ware.stock ")
		d.Keys("ctrl+c", "tab", "down", "enter")
		d.See(` "table" `)
	})
}
