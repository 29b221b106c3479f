package tuitest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// sgr is a change of style. It is all that a frame holds besides text.
var sgr = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// Piece is a piece of a frame's text in one style.
type Piece struct {
	Text                                     string
	Fg, Bg                                   string // #rrggbb, "" for the terminal's own
	Bold, Faint, Italic, Underlined, Reverse bool
}

// Pieces cuts a line of a styled frame, in true colour, by its styles.
func Pieces(line string) []Piece {
	var out []Piece
	var now Piece
	for line != "" {
		at := sgr.FindStringSubmatchIndex(line)
		if at == nil {
			at = []int{len(line), len(line), len(line), len(line)}
		}
		if at[0] > 0 {
			r := now
			r.Text = line[:at[0]]
			out = append(out, r)
		}
		if at[1] > at[0] {
			now.change(strings.Split(line[at[2]:at[3]], ";"))
		}
		line = line[at[1]:]
	}
	return out
}

func (r *Piece) change(codes []string) {
	for i := 0; i < len(codes); i++ {
		switch c := codes[i]; c {
		case "", "0":
			*r = Piece{}
		case "1":
			r.Bold = true
		case "2":
			r.Faint = true
		case "3":
			r.Italic = true
		case "4":
			r.Underlined = true
		case "7":
			r.Reverse = true
		case "38", "48":
			if i+4 < len(codes) && codes[i+1] == "2" {
				var n [3]int
				for k := range n {
					n[k], _ = strconv.Atoi(codes[i+2+k]) // the expression let digits pass alone
				}
				colour := fmt.Sprintf("#%02x%02x%02x", n[0], n[1], n[2])
				if c == "38" {
					r.Fg = colour
				} else {
					r.Bg = colour
				}
				i += 4
			}
		}
	}
}

// style names what is not the terminal's own, "" for nothing.
func (r Piece) style() string {
	var out []string
	if r.Fg != "" {
		out = append(out, r.Fg)
	}
	if r.Bg != "" {
		out = append(out, "on "+r.Bg)
	}
	if r.Reverse {
		out = append(out, "reverse")
	}
	if r.Bold {
		out = append(out, "bold")
	}
	if r.Italic {
		out = append(out, "italic")
	}
	if r.Underlined {
		out = append(out, "underlined")
	}
	return strings.Join(out, " ")
}

// Painted is a styled frame as a golden file keeps it: its text, and below each line
// the styles of its parts in their order.
func Painted(styled string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(styled, "\n") {
		var text, styles []string
		for _, r := range Pieces(line) {
			text = append(text, r.Text)
			if s := r.style(); s != "" && strings.TrimSpace(r.Text) != "" {
				styles = append(styles, fmt.Sprintf("%s: %s", strings.TrimSpace(clip(r.Text)), s))
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(text, ""), " ") + "\n")
		if len(styles) > 0 {
			b.WriteString("    | " + strings.Join(styles, ", ") + "\n")
		}
	}
	return b.String()
}

func clip(s string) string {
	if r := []rune(strings.TrimSpace(s)); len(r) > 16 {
		return string(r[:15]) + "…"
	}
	return s
}

// Contrast is the ratio of WCAG 2 between a piece's colours on a light or a dark
// terminal: 1 is invisible, 4.5 what people read without effort.
func (r Piece) Contrast(light bool) float64 {
	fg, bg := "#d0d0d0", "#101010"
	if light {
		fg, bg = "#202020", "#ffffff"
	}
	if r.Fg != "" {
		fg = r.Fg
	}
	if r.Bg != "" {
		bg = r.Bg
	}
	a, b := luminance(fg), luminance(bg)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func luminance(hex string) float64 {
	n, _ := strconv.ParseUint(hex[1:], 16, 32) // made above
	part := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(n>>16) + 0.7152*part(n>>8) + 0.0722*part(n)
}

// Says reports whether a piece holds words: lines and frames may be faint.
func (r Piece) Says() bool {
	return strings.ContainsFunc(r.Text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}
