package widget

import (
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// Input is a line of text being typed. The zero value is empty.
type Input struct {
	// Max is how many characters fit; 0 is 4096.
	Max   int
	runes []rune
	pos   int
}

// Value is the text.
func (i *Input) Value() string { return string(i.runes) }

// Set replaces the text and puts the cursor at its end.
func (i *Input) Set(s string) {
	i.runes = []rune(s)
	i.pos = len(i.runes)
}

// Insert puts text at the cursor; line breaks become blanks.
func (i *Input) Insert(s string) {
	s = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
	limit := i.Max
	if limit == 0 {
		limit = 4096
	}
	add := []rune(s)
	add = add[:max(0, min(len(add), limit-len(i.runes)))]
	i.runes = slices.Insert(i.runes, i.pos, add...)
	i.pos += len(add)
}

// Key handles a key and reports whether it meant anything here.
func (i *Input) Key(k tea.KeyPressMsg) bool {
	if k.Text != "" && k.Mod&^tea.ModShift == 0 {
		i.Insert(k.Text)
		return true
	}
	switch k.Keystroke() {
	case "left", "ctrl+b":
		i.pos = max(0, i.pos-1)
	case "right", "ctrl+f":
		i.pos = min(len(i.runes), i.pos+1)
	case "home", "ctrl+a":
		i.pos = 0
	case "end", "ctrl+e":
		i.pos = len(i.runes)
	case "backspace", "ctrl+h":
		if i.pos > 0 {
			i.runes = slices.Delete(i.runes, i.pos-1, i.pos)
			i.pos--
		}
	case "delete":
		if i.pos < len(i.runes) {
			i.runes = slices.Delete(i.runes, i.pos, i.pos+1)
		}
	case "ctrl+u":
		i.runes, i.pos = slices.Clone(i.runes[i.pos:]), 0
	case "ctrl+k":
		i.runes = i.runes[:i.pos]
	case "ctrl+w", "alt+backspace":
		from := wordLeft(i.runes, i.pos)
		i.runes = slices.Delete(i.runes, from, i.pos)
		i.pos = from
	case "alt+b", "ctrl+left":
		i.pos = wordLeft(i.runes, i.pos)
	case "alt+f", "ctrl+right":
		i.pos = wordRight(i.runes, i.pos)
	default:
		return false
	}
	return true
}

func wordLeft(r []rune, p int) int {
	for p > 0 && unicode.IsSpace(r[p-1]) {
		p--
	}
	for p > 0 && !unicode.IsSpace(r[p-1]) {
		p--
	}
	return p
}

func wordRight(r []rune, p int) int {
	for p < len(r) && unicode.IsSpace(r[p]) {
		p++
	}
	for p < len(r) && !unicode.IsSpace(r[p]) {
		p++
	}
	return p
}

// View draws the text in width cells, scrolled so that the cursor shows.
func (i *Input) View(width int, text, cursor Style) string {
	if width < 2 {
		return Spaces(width)
	}
	before, under, after := string(i.runes[:i.pos]), " ", ""
	if i.pos < len(i.runes) {
		under, after = string(i.runes[i.pos:i.pos+1]), string(i.runes[i.pos+1:])
	}
	before, under, after = Escape(before), Escape(under), Escape(after)
	room := width - Width(under)
	if w := Width(before); w > room {
		before = Ellipsis + cutLeft(before, w-room+1)
	}
	after = Truncate(after, width-Width(before)-Width(under))
	return Fit(text.Render(before)+cursor.Render(under)+text.Render(after), width)
}

// cutLeft drops at least n cells from the left.
func cutLeft(s string, n int) string {
	for i, r := range s {
		if n <= 0 {
			return s[i:]
		}
		n -= Width(string(r))
	}
	return ""
}
