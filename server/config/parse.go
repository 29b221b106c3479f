package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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

// Load reads and checks the file at path. Relative paths in it are made absolute
// from its directory. Its error is Faults, or tells that the file cannot be read.
func Load(path string) (*Config, error) {
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
	c, err := Parse(data, path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c.anchor(dir)
	return c, nil
}

// Parse reads and checks a configuration; name stands for its file in errors.
// What is left out has the values of Defaults. Its error is Faults: all of them,
// unless the text is no YAML.
func Parse(data []byte, name string) (*Config, error) {
	c, d := Defaults(), newDecoder()
	if f := d.parse(data, &c); f != nil {
		return nil, located(Faults{*f}, data, name, func(int, Fault) int { return 0 })
	}
	sum := sha256.Sum256(data)
	c.Revision = hex.EncodeToString(sum[:])
	c.derive()
	faults := d.faults
	var checks Faults
	if err := c.Validate(); errors.As(err, &checks) {
		for _, f := range checks {
			// What could not be decoded is not also missing.
			if !d.known(f.Path) {
				p := d.find(f.Path)
				f.Line, f.Column = p.line, p.column
				faults = append(faults, f)
			}
		}
	}
	if len(faults) > 0 {
		return nil, located(faults, data, name, func(i int, f Fault) int {
			if d.keys[i] {
				return max(f.Column-1, 0)
			}
			return -1
		})
	}
	return &c, nil
}

// parse decodes the text; it returns a fault where that is no single YAML map.
func (d *decoder) parse(data []byte, c *Config) *Fault {
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
	d.value(reflect.ValueOf(c).Elem(), body, "")
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

// located gives faults the file's name and excerpts, in the order of the file.
// cut says where an excerpt ends, as excerpt's argument.
func located(faults Faults, data []byte, name string, cut func(int, Fault) int) Faults {
	lines := strings.Split(string(data), "\n")
	for i := range faults {
		f := &faults[i]
		f.File = name
		if f.Line > 0 && f.Line <= len(lines) {
			f.Excerpt = excerpt(lines[f.Line-1], cut(i, *f))
		}
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return faults
}
