package session

import (
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Masking is what the plans of all resources are made with. The zero value has no
// key, so that a mask with the method hash or token closes its resource, and no
// patterns.
type Masking struct {
	Key mask.Key
	// Patterns are the content detectors of the site's own.
	Patterns []*mask.Custom
}

// JudgingMasking is for rules by which nothing is shown, only judged: any key will
// do for those.
func JudgingMasking(patterns []*mask.Custom) (m Masking, err error) {
	m.Patterns = patterns
	m.Key, err = mask.NewKey([]byte(rand.Text()))
	return m, err
}

// plans compiles the two mask plans of a person on a resource.
func (m Masking) plans(p policy.Masks) (seen, kept *mask.Plan, err error) {
	if seen, err = m.plan(p.Seen, p.SeenDetect, nil); err != nil {
		return nil, nil, err
	}
	kept, err = m.plan(p.Kept, p.KeptDetect, nil)
	return seen, kept, err
}

// plan compiles one; clear are columns that it shows all the same.
func (m Masking) plan(rules []policy.MaskRule, detect []string, clear []mask.Column) (*mask.Plan, error) {
	o := mask.Options{Key: m.Key, Clear: clear}
	for _, r := range rules {
		method, err := mask.ParseMethod(r.Method)
		if err != nil {
			return nil, fmt.Errorf("mask %q: %w", r.Name, err)
		}
		if r.Path != "" {
			o.Paths = append(o.Paths, mask.PathRule{Name: r.Name, Path: r.Path, Method: method})
			continue
		}
		may, err := mask.ParsePredicates(r.Predicates)
		if err != nil {
			return nil, fmt.Errorf("mask %q: %w", r.Name, err)
		}
		o.Rules = append(o.Rules, mask.Rule{Name: r.Name, Column: r.Column, Method: method, Predicates: may, Budget: r.Budget, Within: r.Within, Rows: r.Rows, Group: r.Group})
	}
	for _, d := range detect {
		if i := slices.IndexFunc(m.Patterns, func(c *mask.Custom) bool { return c.Name == d }); i >= 0 {
			o.Custom = append(o.Custom, m.Patterns[i])
		} else {
			o.Detect = append(o.Detect, d)
		}
	}
	return mask.New(o)
}
