package widget

import (
	"image/color"
	"strings"

	"rsc.io/qr"
)

// QR draws text as a QR code in half blocks, black on white in explicit colours,
// so that it can be scanned from any theme. It returns nil where text is empty or
// too long for a code.
func QR(text string) []string {
	if text == "" {
		return nil
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil
	}
	const quiet = 2
	st := NewStyle(Attributes{Fg: color.Black, Bg: color.White})
	n := code.Size + 2*quiet
	var rows []string
	for y := 0; y < n; y += 2 {
		var b strings.Builder
		for x := range n {
			up, down := code.Black(x-quiet, y-quiet), code.Black(x-quiet, y+1-quiet)
			switch {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteByte(' ')
			}
		}
		rows = append(rows, st.Render(b.String()))
	}
	return rows
}
