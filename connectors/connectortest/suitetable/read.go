package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test string
	Output                string
	Key, Value            string
}

// suiteRun is one run of the suite: a test that called connectortest.Run.
type suiteRun struct {
	at     string // package and test
	kind   string
	powers []connectortest.Power
	cannot map[connectortest.Property]string
	proofs []proof
}

// proof is a subtest, and how it ended: "pass", "fail", "skip", or "" where it did
// not end.
type proof struct {
	at       string
	power    connectortest.Power
	property connectortest.Property
	result   string
}

// results are what a stream tells.
type results struct {
	runs  []*suiteRun
	notes []string
	wrong []string // tests and packages that failed
}

// read reads a stream to its end. What the tests said that failed goes to talk.
func read(in io.Reader, talk io.Writer) (*results, error) {
	r := &results{}
	byTest, proofs, ended, said := map[string]*suiteRun{}, []proof{}, map[string]string{}, map[string]*strings.Builder{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(talk, lines.Text()) // go's own words
			continue
		}
		at := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(talk, e.Output)
		case "output":
			if said[at] == nil {
				said[at] = &strings.Builder{}
			}
			said[at].WriteString(e.Output)
		case "attr":
			if strings.HasPrefix(e.Key, "suite.") && e.Key != connectortest.AttrProves && byTest[at] == nil {
				byTest[at] = &suiteRun{at: at, cannot: map[connectortest.Property]string{}}
				r.runs = append(r.runs, byTest[at])
			}
			proofs = r.attr(e, at, byTest[at], proofs)
		case "pass", "fail", "skip":
			ended[at] = e.Action
			if e.Action == "fail" {
				r.wrong = append(r.wrong, "FAIL "+at)
				if said[at] != nil {
					fmt.Fprint(talk, said[at])
				}
			}
			delete(said, at)
		}
	}
	r.assign(proofs, ended)
	return r, lines.Err()
}

func (r *results) attr(e event, at string, run *suiteRun, proofs []proof) []proof {
	first, second, _ := strings.Cut(e.Value, "\t")
	switch e.Key {
	case connectortest.AttrKind:
		run.kind = e.Value
	case connectortest.AttrOffers:
		run.powers = append(run.powers, connectortest.Power(e.Value))
	case connectortest.AttrCannot:
		run.cannot[connectortest.Property(first)] = second
	case connectortest.AttrNote:
		if !slices.Contains(r.notes, e.Value) {
			r.notes = append(r.notes, e.Value)
		}
	case connectortest.AttrProves:
		proofs = append(proofs, proof{at: at, power: connectortest.Power(first), property: connectortest.Property(second)})
	}
	return proofs
}

// assign gives each proof to the run that it is of, with its end.
func (r *results) assign(proofs []proof, ended map[string]string) {
	for _, p := range proofs {
		p.result = ended[p.at]
		if p.result == "skip" || p.result == "" {
			r.wrong = append(r.wrong, "NOT PROVED, skipped or cut off: "+p.at)
		}
		for _, run := range r.runs {
			if strings.HasPrefix(p.at, run.at+"/") {
				run.proofs = append(run.proofs, p)
			}
		}
	}
}
