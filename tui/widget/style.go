package widget

import (
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Style is how text looks: colours and attributes, made once and applied often.
// The zero value changes nothing.
type Style struct{ on string }

// Attributes of a Style.
type Attributes struct {
	Fg, Bg                                  color.Color
	Bold, Faint, Italic, Underline, Reverse bool
}

// NewStyle makes a style.
func NewStyle(a Attributes) Style {
	var s ansi.Style
	if a.Bold {
		s = s.Bold()
	}
	if a.Faint {
		s = s.Faint()
	}
	if a.Italic {
		s = s.Italic(true)
	}
	if a.Underline {
		s = s.Underline(true)
	}
	if a.Reverse {
		s = s.Reverse(true)
	}
	if a.Fg != nil {
		s = s.ForegroundColor(a.Fg)
	}
	if a.Bg != nil {
		s = s.BackgroundColor(a.Bg)
	}
	if len(s) == 0 {
		return Style{}
	}
	return Style{s.String()}
}

// With adds another style on top.
func (s Style) With(o Style) Style { return Style{s.on + o.on} }

// Render applies the style to text without styles of its own.
func (s Style) Render(text string) string {
	if s.on == "" || text == "" {
		return text
	}
	return s.on + text + ansi.ResetStyle
}

// Under paints a styled text on top of s: wherever the text's own styles end, s
// goes on. It is how a selected row keeps its background.
func (s Style) Under(styled string) string {
	if s.on == "" {
		return styled
	}
	return s.on + strings.ReplaceAll(styled, ansi.ResetStyle, ansi.ResetStyle+s.on) + ansi.ResetStyle
}

// Link makes text a hyperlink (OSC 8), where url is printable ASCII and so
// cannot end the sequence.
func Link(url, text string) string {
	if url == "" || !plain(url) {
		return text
	}
	return ansi.SetHyperlink(url, "id=s") + text + ansi.ResetHyperlink()
}
