package connectortest

import (
	"slices"
	"strings"
	"testing"
)

// TestHoles: nothing is passed over in silence, and no excuse is taken for what is
// there.
func TestHoles(t *testing.T) {
	all := func() *suite {
		s := &suite{powers: []Power{ToSignIn, ToQuery}, tried: map[key]bool{}}
		s.Cannot = map[Property]string{}
		for _, w := range s.powers {
			for _, p := range w.Demanded() {
				s.tried[key{w, p}] = true
			}
		}
		return s
	}
	for name, c := range map[string]struct {
		change func(s *suite)
		want   string // "" for no hole
	}{
		"all is proved":           {func(*suite) {}, ""},
		"one is not":              {func(s *suite) { delete(s.tried, key{ToQuery, Oversized}) }, "query: oversized is neither proved nor named as impossible: give the Target SQL.Oversized"},
		"named for one power":     {func(s *suite) { delete(s.tried, key{ToQuery, Vanished}); s.Cannot[Vanished.Of(ToQuery)] = "no line" }, ""},
		"named for another":       {func(s *suite) { delete(s.tried, key{ToQuery, Vanished}); s.Cannot[Vanished.Of(ToExec)] = "no line" }, "query: vanished is neither"},
		"named although there":    {func(s *suite) { s.Cannot[MasksHold] = "too hard" }, "query: masks hold is named as impossible (too hard)"},
		"half of it there":        {func(s *suite) { delete(s.tried, key{ToQuery, Malformed}); s.Cannot[Malformed] = "too hard" }, "open: malformed is named as impossible"},
		"no reason":               {func(s *suite) { delete(s.tried, key{ToQuery, Oversized}); s.Cannot[Oversized.Of(ToQuery)] = " " }, "gives no reason"},
		"no property":             {func(s *suite) { s.Cannot["good looks"] = "none" }, `names "good looks"`},
		"a power that it has not": {func(s *suite) { s.without = []Power{ToForward}; s.Cannot[Property(ToForward)] = "it cannot" }, ""},
	} {
		s := all()
		c.change(s)
		holes := s.holes()
		switch {
		case c.want == "" && len(holes) > 0:
			t.Errorf("%s: %q", name, holes)
		case c.want != "" && !slices.ContainsFunc(holes, func(h string) bool { return strings.Contains(h, c.want) }):
			t.Errorf("%s: %q, want %q", name, holes, c.want)
		}
	}
}

// TestDemanded: each property is demanded of some power, and none that is not listed.
func TestDemanded(t *testing.T) {
	demanded := map[Property]bool{}
	for _, w := range Powers() {
		for _, p := range w.Demanded() {
			demanded[p] = true
			if !slices.Contains(Properties(), p) {
				t.Errorf("%s: %q is not listed", w, p)
			}
		}
	}
	for _, p := range Properties() {
		if !demanded[p] {
			t.Errorf("%q is demanded of no power", p)
		}
	}
}
