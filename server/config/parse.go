package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxSize bounds a configuration file, in bytes.
const MaxSize = 4 << 20

// Load reads and checks the file at path and those that it includes. Relative
// paths in them are made absolute, each from its file's directory. Its error is
// Faults, or tells that a file cannot be read.
func Load(path string) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return load(&source{name: path, dir: dir, data: data}, include)
}

// read reads a file that only people who may decide on everybody's rights can
// write to.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read configuration: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read configuration: %q is no regular file", path)
	case info.Mode().Perm()&0o002 != 0:
		// Whoever can write it can give themselves any role.
		return nil, fmt.Errorf("read configuration: anybody can write to %q: chmod o-w %q", path, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return data, nil
}

// Parse reads and checks a configuration; name stands for its file in errors.
// What is left out has the values of Defaults. It reads no other file: a text
// that includes some is for Load. Its error is Faults: all of them, unless the
// text is no YAML.
func Parse(data []byte, name string) (*Config, error) {
	return load(&source{name: name, data: data}, func(*source, *Config) ([]*source, error) { return nil, nil })
}

// load reads the main file and what find finds for its includes.
func load(main *source, find func(*source, *Config) ([]*source, error)) (*Config, error) {
	c := Defaults()
	if f := main.decode(&c); f != nil {
		return nil, located(Faults{*f}, []*source{main})
	}
	sources := []*source{main}
	main.claim(&Included{c.Groups, c.Resources, c.Masks, c.Roles}, &Included{})
	more, err := find(main, &c)
	if err != nil {
		return nil, err
	}
	if len(c.Include) > 0 && main.dir == "" {
		main.d.faults.add("include", "this text is no file, so nothing can be included from it")
	}
	if len(c.Inventory) > 0 && main.dir == "" {
		main.d.faults.add("inventory", "this text is no file, so nothing can be listed beside it")
	}
	for _, s := range more {
		merge := s.merge
		if s.template != nil {
			merge = s.list
		}
		if f := merge(&c); f != nil {
			f.source = len(sources)
			return nil, located(Faults{*f}, append(sources, s))
		}
		sources = append(sources, s)
	}
	for _, s := range sources {
		c.Files = append(c.Files, s.path())
	}
	c.Revision = revision(sources)
	c.derive()
	if main.dir != "" {
		c.anchor(main.dir)
	}
	return c.checked(sources)
}

// checked validates what was read and puts all that is wrong where it stands.
func (c *Config) checked(sources []*source) (*Config, error) {
	var faults, checks Faults
	for n, s := range sources {
		for i, f := range s.d.faults {
			f.source, f.key = n, s.d.keys[i]
			if f.Line == 0 {
				p := s.d.find(f.Path)
				f.Line, f.Column = p.line, p.column
			}
			faults = append(faults, f)
		}
	}
	if err := c.Validate(); errors.As(err, &checks) {
		for _, f := range checks {
			// What could not be decoded is not also missing.
			if f = placed(f, sources); !sources[f.source].d.known(f.Path) {
				faults = append(faults, f)
			}
		}
	}
	if len(faults) > 0 {
		return nil, located(faults, sources)
	}
	for i := range c.Warnings {
		c.Warnings[i] = placed(c.Warnings[i], sources)
	}
	c.Warnings = located(c.Warnings, sources)
	return c, nil
}

// parse decodes the text; it returns a fault where that is no single YAML map.
func (d *decoder) parse(data []byte, into any) *Fault {
	switch {
	case len(data) > MaxSize:
		return &Fault{Message: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20)}
	case !utf8.Valid(data):
		return &Fault{Message: "the file is not UTF-8"}
	}
	file, err := tree(data)
	if err != nil {
		return syntaxFault(err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			p := placeOf(doc.Body)
			return &Fault{Line: p.line, Column: p.column, Message: "a second document begins here: a configuration is one"}
		}
		body = doc.Body
	}
	if body == nil {
		return &Fault{Message: "the file says nothing: sallyport init writes one to begin with"}
	}
	d.value(reflect.ValueOf(into).Elem(), body, "")
	return nil
}

// tree is the library's reading of the text. A panic in there becomes an error: a
// file that is read anew must not end the sessions of a running bastion.
func tree(data []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("the text confuses the YAML reader")
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if much := tooMuch(tokens); much != "" {
		return nil, errors.New(much)
	}
	return parser.Parse(tokens, 0)
}

// syntaxFault is the library's error without its excerpt.
func syntaxFault(err error) *Fault {
	f := &Fault{Message: err.Error()}
	var at yaml.Error
	if errors.As(err, &at) {
		f.Message = at.GetMessage()
		if t := at.GetToken(); t != nil && t.Position != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	if strings.Contains(f.Message, "'\t'") {
		f.Message += ": YAML indents with spaces alone"
	} else {
		f.Message += ": is it indented as what it belongs with, and is each quote and bracket closed?"
	}
	return f
}

// What the library's parser recurses into is bounded before it runs, since a
// stack that overflows cannot be recovered: how deep the text nests, and how many
// keys a map has. A configuration needs less than ten of one, fifty of the other.
const (
	maxDepth = 64
	maxKeys  = 1000
)

// tooMuch says what of the text is too much for the parser, "" for nothing.
func tooMuch(tokens token.Tokens) string {
	open, blocks, line := 0, 0, 0
	keys := map[int]int{} // of the block map whose keys begin in this column
	for i, t := range tokens {
		if t.Position.Line != line {
			line, blocks = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open = max(open-1, 0)
		case token.MappingValueType:
			blocks++
			if i > 0 {
				keys[tokens[i-1].Position.Column]++
				if keys[tokens[i-1].Position.Column] > maxKeys {
					return fmt.Sprintf("a map has more than %d keys", maxKeys)
				}
			}
		case token.SequenceEntryType:
			blocks++
			// The next entry: maps further to the right have ended.
			maps.DeleteFunc(keys, func(column, _ int) bool { return column > t.Position.Column })
		case token.CollectEntryType:
			blocks = 0 // the pairs of {a: 1, b: 2} do not nest
		case token.MappingKeyType, token.AnchorType, token.TagType:
			blocks++
		}
		// Indentation alone cannot nest deep in MaxSize bytes.
		if open+blocks > maxDepth {
			return fmt.Sprintf("the file nests deeper than %d", maxDepth)
		}
	}
	return ""
}

// located gives faults the names of their files and excerpts, in the order of the
// files.
func located(faults Faults, sources []*source) Faults {
	for i := range faults {
		f := &faults[i]
		s := sources[f.source]
		f.File = s.name
		lines := s.lines()
		if f.Line > 0 && f.Line <= len(lines) {
			cut := -1
			if f.key {
				cut = max(f.Column-1, 0)
			}
			f.Excerpt = excerpt(lines[f.Line-1], cut)
		}
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return faults
}
