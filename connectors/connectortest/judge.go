package connectortest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
)

// testJudge judges without a guard: nothing may change by it.
func (s *suite) testJudge(t *testing.T) {
	before := s.SQL.Observe(t)
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		defer s.close(t, conn)
		check := func(text, class string, destructive bool) {
			f, err := conn.(connectors.Judge).Judge(s.context(t), connectors.Statement{Text: text})
			if err != nil {
				t.Errorf("%q: %v", clip(text), err)
				return
			}
			if class != "" && f.Class.String() != class {
				t.Errorf("%q: class %s (%s), want %s", clip(text), f.Class, f.Why, class)
			}
			if class != "unknown" && f.Destructive != destructive {
				t.Errorf("%q: destructive %v, want %v (%s)", clip(text), f.Destructive, destructive, f.Why)
			}
			if f.Destructive && f.Why == "" {
				t.Errorf("%q: destructive without saying why", clip(text))
			}
		}
		check(s.SQL.Read, "read", false)
		check(s.SQL.Write, "write", false)
		for _, text := range s.SQL.Destructive {
			check(text, "", true)
		}
		for _, text := range s.SQL.Harmless {
			check(text, "write", false)
		}
		for _, text := range append([]string{s.SQL.SyntaxError, ""}, s.SQL.Unknown...) {
			check(text, "unknown", false)
		}
		s.alive(t, conn)
	})
	if n := len(g.Operations()); n != 0 {
		t.Errorf("judging asked the guard %d times", n)
	}
	if now := s.SQL.Observe(t); now != before {
		t.Errorf("judging changed the target: %s, then %s", before, now)
	}
}

func (s *suite) testDescribe(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		relations, err := conn.(connectors.Describer).Catalog(s.context(t))
		if err != nil {
			t.Fatalf("catalog: %v", err)
		}
		if len(g.Notes()) == 0 {
			t.Error("the catalog was read without a note")
		}
		for _, r := range relations {
			if r.Schema == s.SQL.Relation.Schema && r.Name == s.SQL.Relation.Name {
				if diff := cmp.Diff(s.SQL.Relation, r); diff != "" {
					t.Errorf("relation (-want +got):\n%s", diff)
				}
				return
			}
		}
		t.Errorf("the catalog of %d relations lacks %s.%s", len(relations), s.SQL.Relation.Schema, s.SQL.Relation.Name)
	})
}
