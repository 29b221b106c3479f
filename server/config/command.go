package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// Command is a declared program of the bastion's own machine.
type Command struct {
	// Program is its absolute path; nobody but its owner may be able to write to it.
	// Required.
	Program string `yaml:"program"`
	// Args are its arguments, as they are: no shell reads them. {NAME} in one stands
	// for a parameter's value; an argument with a parameter that has none is left out.
	// Write --option={NAME} for one that may have none: left out behind an option, it
	// is refused, since the option would take what follows for its value.
	Args []string `yaml:"args"`
	// Parameters are what people may choose.
	Parameters []Parameter `yaml:"parameters"`
	// Class is what running it counts as: read, write, ddl, privilege or dangerous.
	// Required.
	Class string `yaml:"class"`
	// Destructive says that it takes away what it cannot bring back.
	Destructive bool `yaml:"destructive"`
	// Directory is where it runs, an absolute path. Default /.
	Directory string `yaml:"directory"`
	// Environment is what it finds there, besides PATH, HOME, USER and LANG: no
	// secrets. Those are read from file descriptor 3, where the resource has a password.
	Environment map[string]string `yaml:"environment"`
	// Stdin passes on what people send to it. Default false: it reads nothing.
	Stdin bool `yaml:"stdin"`
	// Bounds are the operating system's limits (setrlimit) for each of its processes.
	Bounds ProcessBounds `yaml:"bounds"`
}

// Parameter is one value that people choose.
type Parameter struct {
	// Name is lower-case letters, digits and underscores. Required.
	Name string `yaml:"name"`
	// Help is a line for people.
	Help string `yaml:"help"`
	// Type is text, integer, choice or switch. Default text.
	Type string `yaml:"type"`
	// Choices are the values of a choice; of a switch, the one that stands for on.
	Choices []string `yaml:"choices"`
	// Pattern is a regular expression (RE2) that all of a text matches. Default any; a
	// text never begins with a dash.
	Pattern string `yaml:"pattern"`
	// Min is the least integer. Default 0.
	Min int64 `yaml:"min"`
	// Max is the greatest integer. Required of one.
	Max int64 `yaml:"max"`
	// Longest is how many bytes a text may have. Default 200.
	Longest int `yaml:"longest"`
	// Default is taken where nothing is given.
	Default string `yaml:"default"`
	// Optional parameters may be left out.
	Optional bool `yaml:"optional"`
}

// ProcessBounds are limits of a process; 0 is the bastion's own.
type ProcessBounds struct {
	// CPU is how much processor time it may use.
	CPU Duration `yaml:"cpu"`
	// Memory is how many bytes of address space it may have.
	Memory int64 `yaml:"memory"`
	// FileSize is how many bytes a file may have that it writes.
	FileSize int64 `yaml:"file_size"`
	// Processes is how many processes its user may have.
	Processes int64 `yaml:"processes"`
	// Files is how many files it may have open.
	Files int64 `yaml:"files"`
}

var (
	parameterTypes = []string{"text", "integer", "choice", "switch"}
	parameterName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	placeholders   = regexp.MustCompile(`\{([^{}]*)\}`)
)

const (
	maxParameters = 30
	maxLongest    = 10_000
)

func (r *Resource) command(fs *Faults, path string) {
	r.foreign(fs, path, "user", "password", "command")
	text(fs, path+".user", r.User)
	if r.Address != "" {
		fs.add(path+".address", "a resource of kind command has no address: take it away")
	}
	c := r.Command
	if c == nil {
		if r.Unavailable == "" {
			fs.add(path+".command", "a declaration is needed: program, class, args, parameters")
		}
		return
	}
	c.validate(fs, path+".command")
}

func (c *Command) validate(fs *Faults, path string) {
	if !filepath.IsAbs(c.Program) || !printable(c.Program) {
		fs.add(path+".program", "%q is no program: an absolute path, which no shell looks for", c.Program)
	}
	if class, err := policy.ParseClass(c.Class); err != nil || class == policy.Unknown {
		fs.add(path+".class", "%q is no class: read, write, ddl, privilege or dangerous, as its owner judges it", c.Class)
	}
	if c.Directory != "" && !filepath.IsAbs(c.Directory) {
		fs.add(path+".directory", "%q is no absolute path", c.Directory)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Environment)) {
		if !variableName(k) || !printable(c.Environment[k]) {
			fs.add(path+".environment."+k, "a variable is a name of letters, digits and _, with a text that can be printed")
		}
	}
	known := map[string]bool{}
	if len(c.Parameters) > maxParameters {
		fs.add(path+".parameters", "%d are more than %d", len(c.Parameters), maxParameters)
	}
	for i := range c.Parameters {
		p, at := &c.Parameters[i], fmt.Sprintf("%s.parameters[%d]", path, i)
		if known[p.Name] {
			fs.add(at+".name", "another parameter is named %q", p.Name)
		}
		known[p.Name] = true
		p.validate(fs, at)
	}
	c.arguments(fs, path, known)
	c.Bounds.validate(fs, path+".bounds")
}

// arguments: each names parameters that there are, and each parameter is in one,
// since people expect something of what they choose.
func (c *Command) arguments(fs *Faults, path string, known map[string]bool) {
	used := map[string]bool{}
	for i, a := range c.Args {
		at := fmt.Sprintf("%s.args[%d]", path, i)
		if !printable(a) {
			fs.add(at, "the text holds characters that cannot be printed")
		}
		for _, m := range placeholders.FindAllStringSubmatch(a, -1) {
			if used[m[1]] = true; !known[m[1]] {
				fs.add(at, "there is no parameter %q", m[1])
			}
		}
		if strings.ContainsAny(placeholders.ReplaceAllString(a, ""), "{}") {
			fs.add(at, "a brace stands alone: {NAME} is a parameter's value")
		}
	}
	for i, p := range c.Parameters {
		if !used[p.Name] {
			fs.add(fmt.Sprintf("%s.parameters[%d]", path, i), "no argument names {%s}", p.Name)
		}
	}
}

func (p *Parameter) validate(fs *Faults, path string) {
	if !parameterName.MatchString(p.Name) {
		fs.add(path+".name", "%q is no name: lower-case letters, digits and underscores, beginning with a letter", p.Name)
	}
	text(fs, path+".help", p.Help)
	for i, c := range p.Choices {
		if c == "" || !printable(c) {
			fs.add(fmt.Sprintf("%s.choices[%d]", path, i), "a choice is a text that can be printed")
		}
	}
	kind := p.kind()
	for _, f := range []struct {
		key  string
		set  bool
		only []string
	}{
		{"choices", len(p.Choices) > 0, []string{"choice", "switch"}}, {"pattern", p.Pattern != "", []string{"text"}},
		{"min", p.Min != 0, []string{"integer"}}, {"max", p.Max != 0, []string{"integer"}}, {"longest", p.Longest != 0, []string{"text"}},
	} {
		if f.set && !slices.Contains(f.only, kind) {
			fs.add(path+"."+f.key, "a parameter of type %s has no %s: take it away", kind, f.key)
		}
	}
	switch kind {
	case "text":
		if _, err := regexp.Compile(p.Pattern); err != nil {
			fs.add(path+".pattern", "%q is no regular expression", p.Pattern)
		}
		if p.Longest < 0 || p.Longest > maxLongest {
			fs.add(path+".longest", "%d is not between 1 and %d", p.Longest, maxLongest)
		}
	case "integer":
		if p.Min > p.Max {
			fs.add(path+".max", "%d is less than min, %d", p.Max, p.Min)
		}
	case "choice":
		if len(p.Choices) == 0 {
			fs.add(path+".choices", "a choice needs some")
		}
	case "switch":
		if len(p.Choices) != 1 {
			fs.add(path+".choices", "a switch has one: what stands in the argument when it is on")
		}
	default:
		fs.add(path+".type", "unknown type %q%s", p.Type, policy.Suggest(p.Type, parameterTypes))
	}
}

// kind is the type, text by default.
func (p *Parameter) kind() string {
	if p.Type == "" {
		return "text"
	}
	return p.Type
}

func (b *ProcessBounds) validate(fs *Faults, path string) {
	if b.CPU != 0 {
		between(fs, path+".cpu", b.CPU, time.Second, 24*time.Hour)
	}
	for key, n := range map[string]int64{"memory": b.Memory, "file_size": b.FileSize, "processes": b.Processes, "files": b.Files} {
		if n < 0 {
			fs.add(path+"."+key, "%d is no limit", n)
		}
	}
}

// fields are all that decides what runs, for the resource's revision.
func (c *Command) fields() []string {
	if c == nil {
		return nil
	}
	all := []string{"command", c.Program, c.Class, c.Directory, fmt.Sprint(c.Destructive, c.Stdin, c.Bounds, len(c.Args), len(c.Parameters))}
	all = append(all, c.Args...)
	for _, k := range slices.Sorted(maps.Keys(c.Environment)) {
		all = append(all, k, c.Environment[k])
	}
	for _, p := range c.Parameters {
		all = append(all, fmt.Sprintf("%#v", p))
	}
	return all
}
