package widget

// Border is the glyphs of a frame.
type Border struct {
	H, V, TL, TR, BL, BR string
}

// Borders: with rounded corners, and for terminals with ASCII alone.
var (
	Rounded = Border{"─", "│", "╭", "╮", "╰", "╯"}
	ASCII   = Border{"-", "|", "+", "+", "+", "+"}
)

// Box frames lines to exactly width by height cells. title and foot stand in the
// upper and lower edge and may be styled; line is the frame's own style.
func Box(b Border, line Style, title, foot string, lines []string, width, height int) []string {
	if width < 2 || height < 2 {
		return Fill(lines, width, height)
	}
	out := make([]string, 0, height)
	out = append(out, edge(b, line, b.TL, b.TR, title, width))
	for _, l := range Fill(lines, width-2, height-2) {
		out = append(out, line.Render(b.V)+l+line.Render(b.V))
	}
	return append(out, edge(b, line, b.BL, b.BR, foot, width))
}

func edge(b Border, line Style, left, right, text string, width int) string {
	if text == "" || width < 8 {
		return line.Render(left + repeat(b.H, width-2) + right)
	}
	text = Truncate(text, width-6)
	n := width - 5 - Width(text)
	return line.Render(left+b.H) + " " + text + " " + line.Render(repeat(b.H, n)+right)
}

func repeat(s string, n int) string {
	out := make([]byte, 0, max(0, n)*len(s))
	for range max(0, n) {
		out = append(out, s...)
	}
	return string(out)
}

// Rule is a horizontal line of n glyphs.
func Rule(glyph string, n int) string { return repeat(glyph, n) }
