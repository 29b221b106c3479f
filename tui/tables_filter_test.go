package tui_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// A catalog of many tables is searched by their names and those of their columns.
func TestTablesFilter(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := open(t, tuitest.NewBastion(time.Now), tuitest.Alice, 110, 30)
		d.Keys("tab", "/", "amount")
		d.See("│/ amount", "│ payments ")
		d.Miss("│ orders ", "placed_at")
		d.Keys("enter")
		d.See("│ payments ", "│ orders ")
		d.Miss("│/ ")
		d.Keys(" ", "tab", "/", "zq7")
		d.See("nothing matches")
		d.Keys("enter", "esc")
		d.See("│ orders ", "placed_at")
		d.Miss("│/ ")
		d.Keys("/", "^ord", "down", "right")
		d.See("│ orders ", "order_no")
		d.Paste("x")
		d.See("│/ ^ordx", "nothing matches")
		d.Keys("ctrl+c", "esc", "select 1;", "enter")
		d.See("select 1")
	})
}
