package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Keys of the attributes by which a run of the suite tells what it is about, for
// the program that makes the table (testing.T.Attr, in the stream of `go test -json`).
const (
	AttrKind   = "suite.kind"   // of the run: the column
	AttrOffers = "suite.offers" // of the run: a power
	AttrCannot = "suite.cannot" // of the run: a key of Target.Cannot, a tab, the reason
	AttrNote   = "suite.note"   // of the run: a line of Target.Notes
	AttrProves = "suite.proves" // of a subtest: a power, a tab, a property
)

// proof is a test that proves a property of a power.
type proof struct {
	of   Property
	what string // "" where it is the property itself
	test func(t *testing.T)
	// lacks is set where the target does not give what the test needs.
	lacks bool
}

// prove runs proofs as subtests whose names begin with the property, and keeps what
// was tried.
func (s *suite) prove(t *testing.T, w Power, proofs ...proof) {
	for _, p := range proofs {
		if p.lacks {
			continue
		}
		name := string(p.of)
		if p.what != "" {
			name += ": " + p.what
		}
		s.tried[key{w, p.of}] = true
		t.Run(name, func(t *testing.T) {
			t.Attr(AttrProves, string(w)+"\t"+string(p.of))
			p.test(t)
		})
	}
}

// declare tells what the run is about.
func (s *suite) declare(t *testing.T) {
	kind := s.Driver.Kind()
	if s.Name != "" {
		kind += " (" + s.Name + ")"
	}
	t.Attr(AttrKind, kind)
	for _, w := range s.powers {
		t.Attr(AttrOffers, string(w))
	}
	for p, why := range s.Cannot {
		t.Attr(AttrCannot, string(p)+"\t"+oneLine(why))
	}
	for _, n := range s.Notes {
		t.Attr(AttrNote, oneLine(n))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cannot is why a property is not to be had, "" if it is.
func (s *suite) cannot(k key) string {
	if why := s.Cannot[k.property.Of(k.power)]; why != "" {
		return why
	}
	return s.Cannot[k.property]
}

// testWhole fails for what is neither proved nor named, and for what is named
// although it is there.
func (s *suite) testWhole(t *testing.T) {
	for _, h := range s.holes() {
		t.Error(h)
	}
}

func (s *suite) holes() (holes []string) {
	wrong := func(format string, args ...any) { holes = append(holes, fmt.Sprintf(format, args...)) }
	used := map[Property]bool{}
	for _, w := range s.powers {
		for _, p := range w.Demanded() {
			k := key{w, p}
			switch why := s.cannot(k); {
			case !s.tried[k] && why == "":
				wrong("%s is neither proved nor named as impossible: give the Target %s, or the reason in Target.Cannot[%q]", k, w.needs(p), p.Of(w))
			case s.tried[k] && why != "":
				wrong("%s is named as impossible (%s), but the target gives all that proves it", k, why)
			}
			used[p], used[p.Of(w)] = true, true
		}
	}
	for p, why := range s.Cannot {
		if !used[p] && !slices.Contains(s.without, Power(p)) {
			wrong("Target.Cannot names %q, which is no property of a power that this kind offers", p)
		}
		if strings.TrimSpace(why) == "" {
			wrong("Target.Cannot[%q] gives no reason", p)
		}
	}
	return holes
}
