package connectortest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

func (s *suite) plan(t testing.TB) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan(s.SQL.Masks, nil)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	return p
}

func (s *suite) clear(t testing.TB, what, text string) {
	t.Helper()
	for _, c := range s.SQL.Cleartext {
		if strings.Contains(text, c) {
			t.Errorf("%s holds %q of a masked column", what, c)
		}
	}
}

// testMasks compares the same answer over several batch sizes: no boundary
// uncovers anything, and what is recorded is what was shown.
func (s *suite) testMasks(t *testing.T) {
	plan := s.plan(t)
	open := &Guard{}
	var first [][]string
	for _, batch := range []int{1, 7, 128, 1 << 20} {
		g := &Guard{Seen: plan, Kept: plan}
		s.with(t, g, func(conn connectors.Conn) {
			a, err := s.run(s.context(t), conn, g, s.SQL.Masked, batch)
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			s.clear(t, "the answer", a.text())
			if first == nil {
				first = cells(a.rows)
				if raw, err := s.run(s.context(t), conn, open, s.SQL.Masked, batch); err != nil {
					t.Fatalf("query without masks: %v", err)
				} else {
					s.planted(t, raw, a)
				}
			}
			if diff := cmp.Diff(first, cells(a.rows)); diff != "" {
				t.Errorf("batches of %d differ from batches of 1:\n%s", batch, diff)
			}
			p := only(t, g)
			if diff := cmp.Diff(a.rows, p.Rows()); diff != "" {
				t.Errorf("batches of %d: recorded differs from shown (-shown +recorded):\n%s", batch, diff)
			}
			if o := p.outcome(t); o.Masked != a.sum.Masked || o.Masked+o.Withheld == 0 {
				t.Errorf("outcome counts %d masked and %d withheld cells, the summary %d and %d", o.Masked, o.Withheld, a.sum.Masked, a.sum.Withheld)
			}
		})
	}
}

// planted checks that the masks had something to hide, and hid nothing else:
// otherwise the tests above could not fail.
func (s *suite) planted(t testing.TB, raw, masked answer) {
	t.Helper()
	if len(raw.rows) < 300 || len(raw.rows) != len(masked.rows) {
		t.Fatalf("the masked statement answers %d rows, %d without masks; want at least 300 of both", len(masked.rows), len(raw.rows))
	}
	for _, c := range s.SQL.Cleartext {
		if !strings.Contains(raw.text(), c) {
			t.Errorf("without masks the answer does not hold %q", c)
		}
	}
	var shown, covered int
	for i, row := range masked.rows {
		for j, c := range row {
			if c.State != connectors.Shown {
				covered++
				continue
			}
			shown++
			if c != raw.rows[i][j] {
				t.Errorf("row %d, column %d: shown as %q, is %q", i, j, c.Text, raw.rows[i][j].Text)
			}
		}
	}
	if shown == 0 || covered == 0 {
		t.Errorf("%d cells shown, %d covered; want both", shown, covered)
	}
}

// testTwoPlans lets the requester see what the transcript may not keep.
func (s *suite) testTwoPlans(t *testing.T) {
	g := &Guard{Kept: s.plan(t)}
	s.with(t, g, func(conn connectors.Conn) {
		a, err := s.run(s.context(t), conn, g, s.SQL.Masked, 7)
		if err != nil {
			t.Fatalf("query: %v", err)
		}
		for _, c := range s.SQL.Cleartext {
			if !strings.Contains(a.text(), c) {
				t.Errorf("the requester should see %q", c)
			}
		}
		kept := only(t, g).Rows()
		if len(kept) != len(a.rows) {
			t.Fatalf("%d rows recorded, %d shown", len(kept), len(a.rows))
		}
		for i, row := range kept {
			for j, c := range row {
				if c.State == connectors.Shown && c != a.rows[i][j] {
					t.Errorf("row %d, column %d: kept %q, shown %q, but not marked", i, j, c.Text, a.rows[i][j].Text)
				}
				s.clear(t, "the record", c.Text)
			}
		}
	})
}

func (s *suite) testEvasions(t *testing.T) {
	plan := s.plan(t)
	g := &Guard{Seen: plan, Kept: plan}
	s.with(t, g, func(conn connectors.Conn) {
		for _, text := range s.SQL.Evasions {
			a, err := s.run(s.context(t), conn, g, text, 7)
			got := a.text()
			if err != nil {
				got += "\n" + err.Error()
			}
			s.clear(t, clip(text), got)
		}
		for _, p := range g.Permits() {
			for _, c := range p.Chunks() {
				s.clear(t, "the record of "+clip(p.Op.Text), answer{rows: c.Rows, notices: []string{c.Notice}}.text())
			}
			for _, o := range p.Outcomes() {
				if o.Err != nil {
					s.clear(t, "the outcome of "+clip(p.Op.Text), o.Err.Error())
				}
			}
		}
	})
}
