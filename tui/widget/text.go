package widget

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Ellipsis ends a text that was cut.
const Ellipsis = "…"

// Width is how many cells s takes. Styles take none. It measures by code point
// (wcwidth), as the renderer does; escaped text holds nothing on which terminals
// differ.
func Width(s string) int {
	if plain(s) {
		return len(s)
	}
	return ansi.StringWidthWc(s)
}

// Truncate cuts a styled or escaped text to at most width cells.
func Truncate(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	// The library leaves alone what fits by grapheme clusters, which can be less
	// than by code points; more blanks than fit make it cut.
	return ansi.TruncateWc(s+Spaces(width+1), width, Ellipsis)
}

// From is an escaped text without its first cells; where something is left out, an ellipsis
// says so.
func From(s string, cells int) string {
	if cells <= 0 || s == "" {
		return s
	}
	at := 0
	for s != "" && at <= cells {
		_, n := utf8.DecodeRuneInString(s)
		at += Width(s[:n])
		s = s[n:]
	}
	for s != "" { // marks of the character that is gone
		_, n := utf8.DecodeRuneInString(s)
		if Width(s[:n]) > 0 {
			break
		}
		s = s[n:]
	}
	return Ellipsis + s
}

// Fit cuts or pads s to exactly width cells.
func Fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	s = Truncate(s, width)
	if n := width - Width(s); n > 0 {
		return s + Spaces(n)
	}
	return s
}

// FitRight is Fit with the text at the right.
func FitRight(s string, width int) string {
	if width <= 0 {
		return ""
	}
	s = Truncate(s, width)
	return Spaces(width-Width(s)) + s
}

// Center is Fit with the text in the middle.
func Center(s string, width int) string {
	if width <= 0 {
		return ""
	}
	s = Truncate(s, width)
	n := width - Width(s)
	return Spaces(n/2) + s + Spaces(n-n/2)
}

// Sides puts one text at the left and one at the right of a line; the left one
// gives way, and where it is cut a blank stands between them.
func Sides(left, right string, width int) string {
	r := Width(right)
	switch {
	case r >= width:
		return Fit(right, width)
	case r > 0 && Width(left) > width-r:
		return Fit(left, width-r-1) + " " + right
	}
	return Fit(left, width-r) + right
}

const blanks = "                                                                                                    "

// Spaces is n blanks.
func Spaces(n int) string {
	if n <= 0 {
		return ""
	}
	if n <= len(blanks) {
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// Wrap breaks an escaped text between words into lines of at most width cells;
// newlines stay. Words longer than a line are broken; names with hyphens are words.
func Wrap(s string, width int) []string {
	if width < 1 {
		return nil
	}
	// The library breaks at hyphens, always, but not at the kind of them that forbids it.
	if strings.Contains(s, noBreak) {
		return strings.Split(ansi.WrapWc(s, width, ""), "\n")
	}
	out := strings.Split(ansi.WrapWc(strings.ReplaceAll(s, "-", noBreak), width, ""), "\n")
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], noBreak, "-")
	}
	return out
}

const noBreak = "\u2011"

// Chop breaks text exactly where the width ends, so that nothing of it (blanks
// included) is lost. s is EscapeLines' result; tabs become blanks to the next
// multiple of four or the end of the line.
func Chop(s string, width int) []string {
	if width < 1 {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, chopLine(line, width)...)
	}
	return out
}

func chopLine(line string, width int) []string {
	var out []string
	var b strings.Builder
	col := 0
	for _, r := range line {
		piece := string(r)
		if r == '\t' {
			// A tab never reaches over the line's end, as on a terminal.
			piece = Spaces(min(4-col%4, max(width-col, 1)))
		}
		w := Width(piece)
		if col+w > width && col > 0 {
			out = append(out, b.String())
			b.Reset()
			col = 0
		}
		b.WriteString(piece)
		col += w
	}
	return append(out, b.String())
}

// Fill makes exactly height lines of exactly width cells.
func Fill(lines []string, width, height int) []string {
	out := make([]string, height)
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], width)
		} else {
			out[i] = Spaces(width)
		}
	}
	return out
}

// Beside joins two blocks of equal height, line by line.
func Beside(left []string, gap string, right []string) []string {
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		out[i] = at(left, i) + gap + at(right, i)
	}
	return out
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
