package widget

import "strings"

// Paint draws text with a style per token; styles[TokenPlain] is the ground.
// Newlines stay, other characters are escaped.
func Paint(text string, h Highlighter, styles [7]Style) string {
	rs := []rune(text)
	toks := h(rs)
	var b strings.Builder
	for i := 0; i < len(rs); {
		j := i + 1
		for j < len(rs) && toks[j] == toks[i] && (rs[j] == '\n') == (rs[i] == '\n') {
			j++
		}
		if rs[i] == '\n' {
			b.WriteString(string(rs[i:j]))
		} else {
			b.WriteString(styles[toks[i]].Render(Escape(string(rs[i:j]))))
		}
		i = j
	}
	return b.String()
}

// PaintChopped is Paint broken into lines of at most width cells at exactly the
// width, so that nothing of the text is lost.
func PaintChopped(text string, h Highlighter, styles [7]Style, width int) []string {
	if width < 1 {
		return nil
	}
	rs := []rune(text)
	toks := h(rs)
	var out []string
	var line, run strings.Builder
	col, tok := 0, TokenPlain
	flush := func() {
		line.WriteString(styles[tok].Render(run.String()))
		run.Reset()
	}
	end := func() {
		flush()
		out = append(out, line.String())
		line.Reset()
		col = 0
	}
	for i, r := range rs {
		if r == '\n' {
			end()
			continue
		}
		if toks[i] != tok {
			flush()
			tok = toks[i]
		}
		piece := glyph(r, col)
		if !plain(piece) && Width(piece) > width {
			piece = "?"
		}
		for piece != "" {
			w := Width(piece)
			if col > 0 && col+w > width && w <= width {
				end()
			}
			part := piece
			if w > width { // an escape longer than the line
				part = piece[:min(len(piece), width-col)]
			}
			run.WriteString(part)
			col += Width(part)
			piece = piece[len(part):]
			if col >= width && piece != "" {
				end()
			}
		}
	}
	end()
	return out
}

// glyph is what stands for one character at a column.
func glyph(r rune, col int) string {
	if r == '\t' {
		return Spaces(4 - col%4)
	}
	if r >= 0x20 && r < 0x7f {
		return string(r)
	}
	return Escape(string(r))
}
