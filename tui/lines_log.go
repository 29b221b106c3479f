package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// other runs the line with a change to it, or without it where it has it already.
func (p *lines) other(change func([]string) []string) tea.Cmd {
	if p.first == nil {
		p.first = p.line
	}
	if next := change(p.first); !slices.Equal(next, p.line) {
		p.line = next
	} else {
		p.line = p.first
	}
	p.follow = slices.Contains(p.line, "--follow")
	return p.begin(nil)
}

// withoutTail asks for the log from its beginning.
func withoutTail(line []string) []string {
	i := slices.Index(line, "--tail")
	if i < 0 || i+1 >= len(line) {
		return line
	}
	return slices.Delete(slices.Clone(line), i, i+2)
}

// ofPrevious asks for the log of the container that was there before this one, all of
// it; it has ended, so that nothing follows.
func ofPrevious(line []string) []string {
	line = slices.DeleteFunc(withoutTail(line), func(w string) bool { return w == "--follow" })
	return slices.Insert(slices.Clone(line), 1, "--previous")
}

// which says what of a log is asked for, where that is not its end.
func (p *lines) which() string {
	switch {
	case !p.log:
		return ""
	case slices.Contains(p.line, "--previous"):
		return ", previous container"
	case !slices.Contains(p.line, "--tail"):
		return ", whole"
	}
	return ""
}

// aside is how far one press of a key goes; nearby is how many lines around are asked
// how long they are.
const (
	aside  = 20
	nearby = 100
)

// sideways moves the window over lines that are longer than it is wide.
func (p *lines) sideways(right bool) {
	if !right {
		p.left = max(0, p.left-aside)
		return
	}
	longest := 0
	at := min(p.top, len(p.shown))
	for _, i := range p.shown[max(0, at-nearby):min(len(p.shown), at+nearby)] {
		longest = max(longest, widget.Width(p.all[i]))
	}
	p.left = max(0, min(p.left+aside, longest-aside))
}
