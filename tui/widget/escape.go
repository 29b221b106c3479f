// Package widget answers: how is one thing drawn in a terminal?
//
// It is pure drawing: text in, lines of cells out. It knows nothing of pages,
// sessions or policy, does no I/O and starts no goroutine. Values are owned by
// the goroutine that draws.
//
// Everything that was not written by this program (names, cells, statements,
// errors, reasons, e-mails) goes through Escape, EscapeLines or Clip before it
// is drawn, here and in the verbs of the server.
package widget

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one base character; a longer
// pile is drawn over the neighbouring lines by some terminals.
const maxMarks = 4

// Escape returns s as one line that cannot drive a terminal or mislead its
// reader: C0 (also newline and tab), DEL, C1 in either form, bidirectional
// controls, zero-width and other invisible characters, tag characters, line
// separators, combining marks without a base and bytes that are not UTF-8 become
// visible escapes like \x1b or <U+202E>. Escape(Escape(s)) == Escape(s).
func Escape(s string) string { return escape(s, false) }

// EscapeLines is Escape for text of several lines: newlines and tabs stay.
func EscapeLines(s string) string { return escape(s, true) }

// Unsafe reports whether Escape would change s.
func Unsafe(s string) bool { return !plain(s) && Escape(s) != s }

// plain reports whether s is printable ASCII only, the common case.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func escape(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks := maxMarks // a mark at the start has no base
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		var piece string
		piece, marks = visible(s[i:i+n], r, n, marks, lines)
		b.WriteString(piece)
		i += n
	}
	return b.String()
}

// visible returns what stands for one rune (raw is its bytes), and how many
// combining marks the current base has by then.
func visible(raw string, r rune, n, marks int, lines bool) (string, int) {
	switch {
	case r == utf8.RuneError && n <= 1:
		return fmt.Sprintf(`\x%02x`, raw[0]), 0
	case lines && (r == '\n' || r == '\t'):
		return raw, maxMarks
	case r == '\n':
		return `\n`, 0
	case r == '\t':
		return `\t`, 0
	case r == '\r':
		return `\r`, 0
	case r < 0x20 || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r), 0
	case r < 0x7f:
		return raw, 0
	case invisible(r):
		return fmt.Sprintf("<U+%04X>", r), 0
	case unicode.In(r, unicode.Mn, unicode.Me):
		if marks >= maxMarks {
			return fmt.Sprintf("<U+%04X>", r), maxMarks
		}
		return raw, marks + 1
	}
	return raw, 0
}

// invisible reports whether a rune above ASCII draws nothing of its own, changes
// how its neighbours are drawn, or is measured differently by different
// terminals because of it.
func invisible(r rune) bool {
	if r < 0x300 {
		return r <= 0x9f || r == 0xad
	}
	if r >= 0xe0000 && r <= 0xe0fff || r >= 0x1f3fb && r <= 0x1f3ff {
		return true // tags and variation selectors; emoji modifiers
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// Clip is Escape for a cell of the given width: it looks only at as much of s as
// is needed to fill it, and ends a longer text with an ellipsis.
func Clip(s string, width int) string {
	if width <= 0 {
		return ""
	}
	// One cell holds at most one base with its marks, of at most four bytes each.
	limit := (width + 2) * 4 * (maxMarks + 1)
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		// Whatever was cut is beyond the width, so the ellipsis is due.
		return Truncate(Escape(s[:cut])+Spaces(width+1), width)
	}
	return Truncate(Escape(s), width)
}
