package tui

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/tui/widget"
)

// A statement that was cancelled or failed before its first row has columns and
// nothing to go to: its error is what is seen.
func TestAnswerWithoutRows(t *testing.T) {
	a := answer{}
	a.grid.Columns = make([]widget.GridColumn, 2)
	if !a.rows() {
		t.Error("an answer of no rows cannot be gone to")
	}
	a.err = errors.New("cancelled")
	if a.rows() {
		t.Error("an answer that failed before its first row can be gone to")
	}
}
