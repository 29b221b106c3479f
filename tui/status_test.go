package tui_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/tui/tuitest"
)

// The line below a result tells of what is seen now, not of the frame before, and
// what does not fit is left out whole.
func TestStatusOfResult(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := open(t, tuitest.NewBastion(time.Now), tuitest.Alice, 200, 30)
		d.Keys("select * from customers;", "enter", "tab")
		d.Miss("columns 1 to")
		d.Resize(80, 24)
		d.See("columns 1 to 6 of 9")
		d.Keys("end")
		d.See("to 9 of 9")
		d.Resize(60, 18)
		d.See("500 rows", "masked")
		d.Miss("withheld • …", "ms…")
	})
}
