package tui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/tui/widget"
)

// palette is the semantic colours. Meaning is never carried by colour alone: each
// state has its glyph and its word too. Good and bad differ in blue against red,
// and in lightness, so that they stay apart for the colour-blind.
type palette struct {
	dim, faint, accent, onAccent, ok, warn, danger, prod color.Color
	masked, withheld, text, number, selected, code       color.Color
}

func hex(s string) color.Color { return lipgloss.Color(s) }

var (
	darkPalette = palette{
		dim: hex("#9aa5b8"), faint: hex("#465066"), accent: hex("#7cb7ff"), onAccent: hex("#ffffff"),
		ok: hex("#5cd6b0"), warn: hex("#f2c14e"), danger: hex("#ff7a6b"), prod: hex("#ff5c57"),
		masked: hex("#c9a0ff"), withheld: hex("#8f99ab"), text: hex("#a8d68c"), number: hex("#f2c14e"),
		selected: hex("#22304a"), code: hex("#2b57c8"),
	}
	lightPalette = palette{
		dim: hex("#566070"), faint: hex("#b4bcc8"), accent: hex("#1257c4"), onAccent: hex("#ffffff"),
		ok: hex("#00745a"), warn: hex("#845400"), danger: hex("#b92c1a"), prod: hex("#c4161c"),
		masked: hex("#7238c0"), withheld: hex("#5c6472"), text: hex("#2f6f1e"), number: hex("#845400"),
		selected: hex("#dce8fa"), code: hex("#1257c4"),
	}
	// Of 256 colours the nearest to the ones above are often of another hue.
	dark256 = palette{
		dim: ansi.IndexedColor(248), faint: ansi.IndexedColor(240), accent: ansi.IndexedColor(111), onAccent: ansi.IndexedColor(231),
		ok: ansi.IndexedColor(79), warn: ansi.IndexedColor(221), danger: ansi.IndexedColor(209), prod: ansi.IndexedColor(203),
		masked: ansi.IndexedColor(183), withheld: ansi.IndexedColor(246), text: ansi.IndexedColor(150), number: ansi.IndexedColor(221),
		selected: ansi.IndexedColor(237), code: ansi.IndexedColor(26),
	}
	light256 = palette{
		dim: ansi.IndexedColor(241), faint: ansi.IndexedColor(250), accent: ansi.IndexedColor(26), onAccent: ansi.IndexedColor(231),
		ok: ansi.IndexedColor(29), warn: ansi.IndexedColor(94), danger: ansi.IndexedColor(124), prod: ansi.IndexedColor(160),
		masked: ansi.IndexedColor(91), withheld: ansi.IndexedColor(242), text: ansi.IndexedColor(28), number: ansi.IndexedColor(94),
		selected: ansi.IndexedColor(189), code: ansi.IndexedColor(26),
	}
	basicDark = palette{
		dim: ansi.White, faint: ansi.BrightBlack, accent: ansi.BrightCyan, onAccent: ansi.BrightWhite,
		ok: ansi.BrightGreen, warn: ansi.BrightYellow, danger: ansi.BrightRed, prod: ansi.BrightRed,
		masked: ansi.BrightMagenta, withheld: ansi.White, text: ansi.Green, number: ansi.Yellow,
		selected: ansi.BrightBlack, code: ansi.Blue,
	}
	basicLight = palette{
		dim: ansi.BrightBlack, faint: ansi.BrightBlack, accent: ansi.Blue, onAccent: ansi.BrightWhite,
		ok: ansi.Blue, warn: ansi.Magenta, danger: ansi.Red, prod: ansi.Red,
		masked: ansi.Magenta, withheld: ansi.BrightBlack, text: ansi.Green, number: ansi.Magenta,
		selected: ansi.White, code: ansi.Blue,
	}
)

// glyphs are the signs of the screen; every one is a single cell wide.
type glyphs struct {
	mark, pointer, yes, no, ask, prod, crumb, star, mask, withheld, bullet, wait, key, rule, heavy, more string
	spin                                                                                                 []string
}

var (
	unicodeGlyphs = glyphs{
		mark: "◢", pointer: "▌", yes: "✓", no: "✗", ask: "?", prod: "▲", crumb: "›", star: "★", mask: "▒", withheld: "░",
		bullet: "•", wait: "◷", key: "⏎", rule: "─", heavy: "━", more: "↓",
		spin: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	}
	asciiGlyphs = glyphs{
		mark: "#", pointer: ">", yes: "+", no: "x", ask: "?", prod: "!", crumb: ">", star: "*", mask: "#", withheld: "-",
		bullet: "*", wait: "~", key: "<", rule: "-", heavy: "=", more: "v",
		spin: []string{"|", "/", "-", "\\"},
	}
)

// theme is how everything looks on one terminal.
type theme struct {
	text, bold, dim, faint, accent, brand, ok, warn, danger, prod widget.Style
	masked, withheld, selected, cursor, code, link, button        widget.Style

	sql    [7]widget.Style
	grid   widget.GridStyles
	border widget.Border
	glyphs glyphs
}

// newTheme picks a theme for what is known of the terminal.
func newTheme(profile colorprofile.Profile, dark, ascii bool) *theme {
	var t *theme
	switch {
	case profile <= colorprofile.ASCII:
		t = plainTheme()
	case profile == colorprofile.ANSI && dark:
		t = colourTheme(basicDark)
	case profile == colorprofile.ANSI:
		t = colourTheme(basicLight)
	case profile == colorprofile.ANSI256 && dark:
		t = colourTheme(dark256)
	case profile == colorprofile.ANSI256:
		t = colourTheme(light256)
	case dark:
		t = colourTheme(darkPalette)
	default:
		t = colourTheme(lightPalette)
	}
	t.border, t.glyphs = widget.Rounded, unicodeGlyphs
	bar, cross := "│", "┼"
	if ascii {
		t.border, t.glyphs = widget.ASCII, asciiGlyphs
		bar, cross = "|", "+"
	}
	row := t.selected
	if profile <= colorprofile.ASCII {
		row = t.bold // the selected cell is the one in reverse
	}
	t.grid = widget.GridStyles{
		Header: t.bold, Line: t.faint, Cell: t.text, Null: t.dim.With(italic), Masked: t.masked, Withheld: t.withheld,
		Cursor: t.cursor, Row: row,
		Mask: t.glyphs.mask, Hatch: t.glyphs.withheld, Bar: bar, Cross: cross,
	}
	return t
}

var italic = widget.NewStyle(widget.Attributes{Italic: true})

func colourTheme(p palette) *theme {
	fg := func(c color.Color) widget.Style { return widget.NewStyle(widget.Attributes{Fg: c}) }
	bold := widget.NewStyle(widget.Attributes{Bold: true})
	selected := widget.NewStyle(widget.Attributes{Bg: p.selected})
	t := &theme{
		bold: bold, dim: fg(p.dim), faint: fg(p.faint), accent: fg(p.accent), brand: fg(p.accent).With(bold),
		ok: fg(p.ok), warn: fg(p.warn), danger: fg(p.danger), prod: fg(p.prod).With(bold),
		masked: fg(p.masked), withheld: fg(p.withheld).With(italic), selected: selected,
		cursor: widget.NewStyle(widget.Attributes{Reverse: true}),
		code:   widget.NewStyle(widget.Attributes{Fg: p.onAccent, Bg: p.code, Bold: true}),
		link:   widget.NewStyle(widget.Attributes{Fg: p.accent, Underline: true}),
	}
	t.button = t.code
	t.sql = [7]widget.Style{
		widget.TokenKeyword: t.accent, widget.TokenAlarm: t.danger.With(bold), widget.TokenString: fg(p.text),
		widget.TokenNumber: fg(p.number), widget.TokenComment: t.dim.With(italic), widget.TokenOperator: t.dim,
	}
	return t
}

// plainTheme is for NO_COLOR and terminals without colours: attributes alone.
func plainTheme() *theme {
	bold := widget.NewStyle(widget.Attributes{Bold: true})
	faint := widget.NewStyle(widget.Attributes{Faint: true})
	line := widget.NewStyle(widget.Attributes{Underline: true})
	reverse := widget.NewStyle(widget.Attributes{Reverse: true})
	t := &theme{
		bold: bold, dim: faint, faint: faint, accent: bold, brand: bold, ok: widget.Style{}, warn: bold,
		danger: bold, prod: bold.With(line), masked: faint, withheld: faint.With(italic), selected: reverse,
		cursor: reverse, code: reverse.With(bold), link: line, button: reverse.With(bold),
	}
	t.sql = [7]widget.Style{widget.TokenKeyword: bold, widget.TokenAlarm: bold.With(line), widget.TokenComment: faint}
	return t
}

// asciiTerm reports whether a terminal draws ASCII alone for certain.
func asciiTerm(term string) bool {
	switch term {
	case "", "dumb", "linux", "vt52", "vt100", "vt102", "ansi", "cons25":
		return true
	}
	return false
}
