package config

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxFiles bounds how many files a configuration may include.
const maxFiles = 500

// source is one file of a configuration.
type source struct {
	name string
	dir  string // "" for a text that is no file
	data []byte
	d    *decoder
	// first and count say which of the configuration's lists are from this file.
	first, count map[string]int
	split        []string
	// template is that of the inventory which the file is of; nil for an included one.
	template *Resource
}

// decode decodes the file; it returns a fault where that is no single YAML map.
func (s *source) decode(into any) *Fault {
	s.d = newDecoder()
	return s.d.parse(s.data, into)
}

// Outline is what the file at path says of other files, whether or not a bastion could
// run by it: Files, itself alone, Include and Inventory. Nil where that cannot be read.
// It is for whoever waits until a configuration that was refused is mended.
func Outline(path string) *Config {
	data, err := read(path)
	if err != nil {
		return nil
	}
	s, c := &source{name: path, data: data}, Config{}
	if f := s.decode(&c); f != nil {
		return nil
	}
	return &Config{Files: []string{path}, Include: c.Include, Inventory: c.Inventory}
}

// include finds the files that the main file includes.
func include(main *source, c *Config) ([]*source, error) {
	var all []*source
	seen := map[string]bool{}
	if self, err := filepath.EvalSymlinks(main.name); err == nil {
		seen[self] = true
	}
	for i, pattern := range c.Include {
		at := fmt.Sprintf("include[%d]", i)
		from := pattern
		if !filepath.IsAbs(from) {
			from = filepath.Join(filepath.Dir(main.name), from)
		}
		found, err := filepath.Glob(from)
		switch {
		case pattern == "":
			main.d.faults.add(at, "a path or glob is needed: policies/*.yaml")
			continue
		case err != nil:
			main.d.faults.add(at, "%q is no glob: policies/*.yaml", pattern)
			continue
		case len(found) == 0:
			main.d.faults.add(at, "no file is there: %q", pattern)
			continue
		}
		slices.Sort(found)
		for _, f := range found {
			s, err := readIncluded(f, seen)
			if err != nil {
				return nil, err
			}
			if s != nil {
				all = append(all, s)
			}
		}
	}
	listed, err := inventories(main, c, seen)
	if err != nil {
		return nil, err
	}
	if all = append(all, listed...); len(all) > maxFiles {
		return nil, fmt.Errorf("read configuration: %d files are included, which are more than %d", len(all), maxFiles)
	}
	return all, nil
}

// readIncluded reads a file that was not read before.
func readIncluded(path string, seen map[string]bool) (*source, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if seen[real] {
		return nil, nil
	}
	seen[real] = true
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	// Whoever can put a file there can give themselves any role.
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	} else if info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("read configuration: anybody can put files into %q: chmod o-w %q", dir, dir)
	}
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return &source{name: path, dir: dir, data: data}, nil
}

// merge decodes an included file and adds what it holds to the configuration.
func (s *source) merge(c *Config) *Fault {
	var more Included
	if f := s.decode(&more); f != nil {
		return f
	}
	for i := range more.Resources {
		more.Resources[i].anchor(s.dir)
	}
	s.claim(&more, &Included{c.Groups, c.Resources, c.Masks, c.Roles})
	c.Groups = append(c.Groups, more.Groups...)
	c.Resources = append(c.Resources, more.Resources...)
	c.Masks = append(c.Masks, more.Masks...)
	c.Roles = append(c.Roles, more.Roles...)
	return nil
}

// claim notes which parts of the configuration are this file's, behind those that
// there are, and where its rules stand.
func (s *source) claim(mine, before *Included) {
	s.first = map[string]int{"groups": len(before.Groups), "resources": len(before.Resources), "masks": len(before.Masks), "roles": len(before.Roles)}
	s.count = map[string]int{"groups": len(mine.Groups), "resources": len(mine.Resources), "masks": len(mine.Masks), "roles": len(mine.Roles)}
	for i := range mine.Roles {
		r := &mine.Roles[i]
		r.Place = s.place(fmt.Sprintf("roles[%d]", i))
		for j := range r.Rules {
			r.Rules[j].Place = s.place(fmt.Sprintf("roles[%d].rules[%d]", i, j))
		}
	}
}

// place is file:line of what is at path.
func (s *source) place(path string) string {
	return fmt.Sprintf("%s:%d", s.name, s.d.find(path).line)
}

// path is where the file is, from the root; a text that is no file has its name.
func (s *source) path() string {
	if s.dir == "" {
		return s.name
	}
	return filepath.Join(s.dir, filepath.Base(s.name))
}

func (s *source) lines() []string {
	if s.split == nil {
		s.split = strings.Split(string(s.data), "\n")
	}
	return s.split
}

// revision is the SHA-256, in hex, of all files.
func revision(sources []*source) string {
	if len(sources) == 1 {
		sum := sha256.Sum256(sources[0].data)
		return hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	for _, s := range sources {
		// Lengths keep a line that moves from one file to the next apart.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s.data))))
		h.Write(s.data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// listed are the places of lists that several files fill.
var listed = regexp.MustCompile(`\b(groups|resources|masks|roles)\[(\d+)\]`)

// placed puts a fault of the whole configuration into the file that it is in.
func placed(f Fault, sources []*source) Fault {
	if m := listed.FindStringSubmatchIndex(f.Path); m != nil && m[0] == 0 {
		list := f.Path[m[2]:m[3]]
		n, _ := strconv.Atoi(f.Path[m[4]:m[5]])
		for i, s := range sources {
			if k := n - s.first[list]; k >= 0 && k < s.count[list] {
				f.source, f.Path = i, fmt.Sprintf("%s[%d]%s", list, k, f.Path[m[1]:])
			}
		}
	}
	if len(sources) > 1 {
		f.Message = elsewhere(f.Message, sources)
	}
	d := sources[f.source].d
	p := d.find(f.Path)
	f.Line, f.Column = p.line, p.column
	if t, ok := d.texts[f.Path]; ok && f.line > 0 {
		f.Line, f.Column = t.within(sources[f.source].lines(), f.line, f.column)
	}
	return f
}

// elsewhere names, in a message, other entries by where they stand.
func elsewhere(message string, sources []*source) string {
	return listed.ReplaceAllStringFunc(message, func(m string) string {
		parts := listed.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		for _, s := range sources {
			if k := n - s.first[parts[1]]; k >= 0 && k < s.count[parts[1]] {
				return s.place(fmt.Sprintf("%s[%d]", parts[1], k))
			}
		}
		return m
	})
}
