package tui

import (
	"bytes"
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

// take cuts text into lines.
func (p *lines) take(b []byte) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.part = append(p.part, b[:min(len(b), max(0, maxLine-len(p.part)))]...)
			break
		}
		p.part = append(p.part, b[:min(i, max(0, maxLine-len(p.part)))]...)
		p.add(p.part)
		p.part = p.part[:0]
		b = b[i+1:]
	}
	if p.follow {
		p.top = len(p.shown)
	}
}

func (p *lines) add(line []byte) {
	text := widget.Escape(strings.ReplaceAll(strings.TrimSuffix(string(line), "\r"), "\t", "    "))
	p.all = append(p.all, text)
	p.held += len(text)
	if p.matches(text) {
		p.shown = append(p.shown, len(p.all)-1)
	}
	if len(p.all) > maxLines+maxLines/10 || p.held > maxHeld+maxHeld/10 {
		p.forget()
	}
}

// forget drops the oldest lines, so that what is looked at stays where it is.
func (p *lines) forget() {
	n := 0
	for ; len(p.all)-n > maxLines || p.held > maxHeld; n++ {
		p.held -= len(p.all[n])
	}
	p.lost += n
	p.all = append([]string(nil), p.all[n:]...)
	before := len(p.shown)
	p.refilter()
	if !p.follow {
		p.top = max(0, p.top-(before-len(p.shown)))
	}
}

// matches reports whether the filter lets a line through: each of its words is in it,
// but for those behind a !.
func (p *lines) matches(line string) bool {
	if len(p.words) == 0 {
		return true
	}
	line = strings.ToLower(line)
	for _, w := range p.words {
		if not, ok := strings.CutPrefix(w, "!"); ok && not != "" {
			if strings.Contains(line, not) {
				return false
			}
		} else if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

func (p *lines) refilter() {
	p.words = strings.Fields(strings.ToLower(p.filter.Value()))
	p.shown = p.shown[:0]
	for i, l := range p.all {
		if p.matches(l) {
			p.shown = append(p.shown, i)
		}
	}
	if p.follow {
		p.top = len(p.shown)
	}
}
