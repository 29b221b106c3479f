package tui

import (
	"image/color"
	"math"
	"testing"
)

// What is to be read stands out from the usual backgrounds of its theme as WCAG 2
// asks of text, and from the line of the cursor nearly so.
func TestContrast(t *testing.T) {
	for name, c := range map[string]struct {
		palette
		on []string
	}{
		"dark":  {darkPalette, []string{"#000000", "#1e1e2e", "#282c34"}},
		"light": {lightPalette, []string{"#ffffff", "#fdf6e3", "#eff1f5"}},
	} {
		read := map[string]color.Color{"dim": c.dim, "accent": c.accent, "ok": c.ok, "warn": c.warn, "danger": c.danger, "prod": c.prod,
			"masked": c.masked, "withheld": c.withheld, "text": c.text, "number": c.number}
		for what, fg := range read {
			for _, bg := range c.on {
				if got := contrast(fg, hex(bg)); got < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.1f", name, what, bg, got)
				}
			}
			if got := contrast(fg, c.selected); got < 4.3 {
				t.Errorf("%s: %s on the cursor's line has a contrast of %.1f", name, what, got)
			}
		}
		if got := contrast(c.onAccent, c.code); got < 4.5 {
			t.Errorf("%s: a button has a contrast of %.1f", name, got)
		}
	}
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is WCAG's.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.03928 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}
