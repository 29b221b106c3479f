package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Policy compiles the roles and masks. Its error is Faults.
func (c *Config) Policy() (*policy.Policy, error) {
	p, err := c.vocabulary().Compile(c.Roles, c.Masks)
	if err != nil {
		return nil, toFaults(err)
	}
	return p, nil
}

// vocabulary is the words that policies may use in this binary, at this site.
func (c *Config) vocabulary() policy.Vocabulary {
	v := policy.Vocabulary{
		Kinds:     policy.DefaultKinds(),
		Groups:    c.Groups,
		Claims:    append([]string{}, c.SignIn.Claims...), // none is none, and not any
		Resources: c.targets(),
	}
	for _, d := range mask.Detectors() {
		v.Detectors = append(v.Detectors, d.Name)
	}
	for _, p := range c.Patterns {
		v.Detectors = append(v.Detectors, p.Name)
	}
	return v
}

// Detectors compiles the patterns. Its error is Faults.
func (c *Config) Detectors() ([]*mask.Custom, error) {
	var fs Faults
	all := c.patterns(&fs)
	return all, fs.err()
}

// patterns compiles the patterns, each by itself and all in one plan.
func (c *Config) patterns(fs *Faults) []*mask.Custom {
	var all []*mask.Custom
	seen := map[string]int{}
	for i, p := range c.Patterns {
		path := fmt.Sprintf("patterns[%d]", i)
		first, again := seen[p.Name]
		custom, err := mask.NewCustom(p.Name, p.Match)
		switch {
		case p.Name == "":
			fs.add(path+".name", "a name is needed: what stands in brackets for what was found")
		case p.Match == "":
			fs.add(path+".match", "a regular expression is needed: EMP-[0-9]{6}")
		case again:
			fs.add(path+".name", "another pattern is named %q (patterns[%d]): names are unique", p.Name, first)
		case err != nil && mask.CustomName(p.Name) != nil:
			fs.add(path+".name", "%s", err)
		case err != nil:
			fs.add(path+".match", "%s", err)
		default:
			seen[p.Name] = i
			all = append(all, custom)
		}
	}
	if len(all) > mask.MaxCustom {
		fs.add("patterns", "%d are more than %d", len(all), mask.MaxCustom)
	}
	return all
}

// targets are the resources as policy sees them.
func (c *Config) targets() []policy.Resource {
	all := make([]policy.Resource, 0, len(c.Resources))
	for _, r := range c.Resources {
		all = append(all, policy.Resource{Name: r.Name, Kind: r.Kind, Labels: r.Labels})
	}
	return all
}

func toFaults(err error) Faults {
	var theirs policy.Faults
	if !errors.As(err, &theirs) {
		return Faults{{Message: err.Error()}}
	}
	var fs Faults
	for _, f := range theirs {
		fs = append(fs, Fault{Path: f.Path, Message: f.Message, line: f.Line, column: f.Column})
	}
	return fs
}

// policy checks roles and masks, and that each is about a resource there is: a
// mask with a misspelt name would hide nothing.
func (c *Config) policy(fs *Faults) {
	p, err := c.vocabulary().Compile(c.Roles, c.Masks)
	if err != nil {
		*fs = append(*fs, toFaults(err)...)
	} else {
		c.Warnings = nil
		if w := p.Warnings(); len(w) > 0 {
			c.Warnings = toFaults(w)
		}
		c.plans(fs)
	}
	all := c.targets()
	for i, m := range c.Masks {
		selects(fs, fmt.Sprintf("masks[%d].resources", i), m.Resources, all)
	}
	for i, r := range c.Roles {
		selects(fs, fmt.Sprintf("roles[%d].resources", i), r.Resources, all)
	}
}

// plans compiles what masks hide, as the gate will: a plan that cannot be made
// would close the resource at its first use.
func (c *Config) plans(fs *Faults) {
	for i, m := range c.Masks {
		for j, column := range m.Columns {
			if _, err := mask.NewPlan([]mask.Rule{{Name: m.Name, Column: column}}, nil); err != nil {
				fs.add(fmt.Sprintf("masks[%d].columns[%d]", i, j), "%s", err)
			}
		}
		for j, p := range m.Paths {
			if _, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: m.Name, Path: p}}}); err != nil {
				fs.add(fmt.Sprintf("masks[%d].paths[%d]", i, j), "%s", err)
			}
		}
	}
}

// selects finds a selector, or a name in one, that picks nothing.
func selects(fs *Faults, path string, s policy.Selector, all []policy.Resource) {
	if s.Empty() || len(all) == 0 || slices.ContainsFunc(all, s.Matcher()) && len(s.Names) < 2 {
		return // an empty one, or a file without resources, is told elsewhere
	}
	for i, n := range s.Names {
		if !slices.ContainsFunc(all, policy.Selector{Names: []string{n}}.Matcher()) {
			var names []string
			for _, r := range all {
				names = append(names, r.Name)
			}
			fs.add(fmt.Sprintf("%s.names[%d]", path, i), "no resource is named %q%s", n, policy.Suggest(n, names))
			return
		}
	}
	for key := range s.Labels {
		if !slices.ContainsFunc(all, func(r policy.Resource) bool { _, ok := r.Labels[key]; return ok }) {
			return // told by policy, which knows the labels
		}
	}
	if !slices.ContainsFunc(all, s.Matcher()) {
		fs.add(path, "this picks none of the resources: check kinds and labels, or take it away")
	}
}
