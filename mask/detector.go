package mask

import (
	"fmt"
	"slices"
)

// Detector finds one kind of sensitive text by its looks alone.
type Detector struct {
	Name string // the word in the configuration
	Doc  string // what it finds, for people

	set detectorSet
	// hidden is what a plan shows in place of a hit; keep digits of its end go
	// where the % stands.
	hidden string
}

// detectorSet is a set of detectors, a bit for each.
type detectorSet uint8

const (
	detectCard detectorSet = 1 << iota
	detectEmail
	detectSSN
)

// detectors are all there are. What stands in for a hit begins and ends with a
// bracket, which no detector takes for a part of anything: masked text stays as
// it is when it is masked again.
var detectors = []Detector{
	{
		Name:   "card",
		Doc:    "payment card numbers: 13 to 19 digits, whole or in groups, with an issuer's prefix and a right check digit",
		set:    detectCard,
		hidden: "[card *",
	},
	{
		Name:   "email",
		Doc:    "e-mail addresses, also percent-encoded ones; not user and password of a URL",
		set:    detectEmail,
		hidden: "[email]",
	},
	{
		Name:   "ssn",
		Doc:    "US social security numbers in number ranges that can be assigned: 123-45-6789; with spaces, dots or nothing between only after a word such as SSN",
		set:    detectSSN,
		hidden: "[ssn]",
	},
}

// Detectors lists the content detectors that a plan can name. The slice is the
// caller's.
func Detectors() []Detector { return slices.Clone(detectors) }

func detectorNamed(name string) (detectorSet, error) {
	names := make([]string, len(detectors))
	for i, d := range detectors {
		if d.Name == name {
			return d.set, nil
		}
		names[i] = d.Name
	}
	return 0, fmt.Errorf("unknown content detector %q%s", name, suggest(name, names))
}

// verdict is what a detector says of a place in a text that may go on.
type verdict uint8

const (
	no   verdict = iota
	yes          // a hit
	more         // it depends on text that has not come yet
)

// span is a hit: positions in a text, end exclusive.
type span struct {
	start, end int
	at         int // where it was decided: scan came by here
	by         detectorSet
}
