package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Inventory is resources that are listed in files of their own, which may come
// from elsewhere: they can hold nothing but resources, and nothing of the
// bastion's own machine (kinds command and sqlite).
type Inventory struct {
	// Path is a file, or a directory of files whose names end in .yaml or .yml. Each
	// holds resources. Required.
	Path string `yaml:"path"`
	// Template is what the resources have in common. What a resource says itself
	// wins; labels are taken together. {name} in the template's texts stands for the
	// resource's name, {labels.KEY} for one of its labels.
	Template Resource `yaml:"template"`
}

// Listed is what a file of an inventory holds.
type Listed struct {
	// Resources are what can be reached.
	Resources []Resource `yaml:"resources"`
}

// inventories finds the files of the inventories; each is read once.
func inventories(main *source, c *Config, seen map[string]bool) ([]*source, error) {
	var all []*source
	for i := range c.Inventory {
		at := fmt.Sprintf("inventory[%d]", i)
		t := &c.Inventory[i].Template
		if t.Name != "" {
			main.d.faults.add(at+".template.name", "each resource has a name of its own: take it away")
		}
		path := c.Inventory[i].Path
		if path == "" {
			main.d.faults.add(at+".path", "a path is needed: of a file, or of a directory of files")
			continue
		}
		t.anchor(filepath.Dir(main.path()))
		from(filepath.Dir(main.path()), &path)
		files, err := inventoryFiles(path)
		if err != nil {
			main.d.faults.add(at+".path", "%s", err)
			continue
		}
		for _, f := range files {
			s, err := readIncluded(f, seen)
			if err != nil {
				return nil, err
			}
			if s != nil {
				s.template = t
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// inventoryFiles are the file, or those in the directory, in the order of their
// names.
func inventoryFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("no inventory is there: %q", path)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("the inventory cannot be read: %q", path)
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file whose name ends in .yaml or .yml is in %q", path)
	}
	return files, nil
}

// list decodes a file of an inventory and adds its resources to the configuration.
func (s *source) list(c *Config) *Fault {
	var more Listed
	if f := s.decode(&more); f != nil {
		return f
	}
	for i := range more.Resources {
		more.Resources[i].anchor(s.dir)
		for _, f := range more.Resources[i].borrowed(s.dir) {
			s.d.faults.add(fmt.Sprintf("resources[%d]", i), "%s", f)
		}
		if more.Resources[i].strays(s.template) {
			s.d.faults.add(fmt.Sprintf("resources[%d]", i), "it says itself where it is or how it is known there, so the template's secret is not sent to it: give it one of its own")
		}
		for _, f := range more.Resources[i].fill(s.template) {
			s.d.faults.add(fmt.Sprintf("resources[%d]", i), "%s", f)
		}
		if k := more.Resources[i].Kind; k == kindCommand || k == kindSQLite {
			s.d.faults.add(fmt.Sprintf("resources[%d].kind", i), "a resource of kind %s is on the bastion's own machine: it is declared in the configuration itself, not in an inventory", k)
		}
	}
	mine := Included{Resources: more.Resources}
	s.claim(&mine, &Included{c.Groups, c.Resources, c.Masks, c.Roles})
	c.Resources = append(c.Resources, more.Resources...)
	return nil
}

// borrowed is what a resource of an inventory takes of the bastion's that is not its
// to take: ways to the bastion's own machine, and secrets. Those that it names are
// its own, in files beside it or below, and no others that the
// bastion knows. Otherwise whoever writes the inventory would have any of them sent
// to an address of theirs.
func (r *Resource) borrowed(dir string) (faults []string) {
	if r.HTTP != nil && (r.HTTP.AllowLoopback || r.HTTP.AllowLinkLocal) {
		faults = append(faults, "an inventory leads neither to the bastion's own machine nor to link-local addresses: say so in its template")
	}
	if strings.HasPrefix(r.Address, "/") {
		faults = append(faults, "an inventory names no sockets of the bastion's own machine: say them in its template")
	}
	if r.Certificate != nil && r.Certificate.Vault != nil {
		faults = append(faults, "an inventory names no Vault, which may be the bastion's own machine: say it in its template")
	}
	refs := []*Ref{r.Password, r.PrivateKey, r.MaskedPassword, r.Kubeconfig, r.Token, r.ClientCertificate}
	if r.Certificate != nil {
		refs = append(refs, r.Certificate.Authority)
	}
	if r.HTTP != nil {
		refs = append(refs, r.HTTP.CertificateKey)
	}
	for _, ref := range refs {
		if ref == nil {
			continue
		}
		in, err := filepath.Rel(dir, ref.File)
		if ref.Env != "" || ref.File != "" && (err != nil || !filepath.IsLocal(in)) {
			faults = append(faults, "an inventory names secrets in files beside it alone: say others in its template")
		}
	}
	return slices.Compact(faults)
}

// strays reports whether a secret of the template's, which is presented as it is,
// would go where the inventory leads: to an address of its own, or to a target
// that it vouches for itself. A host that the template knows may have any address,
// and a key that only signs may be asked by anybody.
func (r *Resource) strays(t *Resource) bool {
	lent := r.Password == nil && t.Password != nil || r.MaskedPassword == nil && t.MaskedPassword != nil ||
		r.Kubeconfig == nil && t.Kubeconfig != nil || r.Token == nil && t.Token != nil
	vouches := len(r.HostKeys)+len(r.HostAuthorities) > 0 || r.KnownHosts != "" || r.Via != "" || r.LegacyAlgorithms ||
		r.TLS != "" || r.TLSRootCA != "" || r.HTTP != nil
	ssh := cmp.Or(r.Kind, t.Kind) == kindSSH
	return lent && (vouches || !ssh && r.Address != "" || r.Kind != "" && r.Kind != t.Kind)
}

// fill takes from the template what the resource does not say. It returns what is
// wrong with that.
func (r *Resource) fill(t *Resource) (faults []string) {
	own := *r
	labels := map[string]string{}
	for k, v := range t.Labels {
		labels[k] = v
	}
	for k, v := range own.Labels {
		labels[k] = v
	}
	expand := func(s string) string {
		out, missing := expanded(s, own.Name, labels)
		if strings.Contains(out, "..") && !strings.Contains(s, "..") {
			faults = append(faults, fmt.Sprintf("a label of %q has two dots, which would lead out of a directory that the inventory's template names", own.Name))
		}
		for _, m := range missing {
			faults = append(faults, fmt.Sprintf("the inventory's template wants {%s}, which %q does not have", m, own.Name))
		}
		return out
	}
	for k, v := range labels {
		if _, mine := own.Labels[k]; !mine {
			labels[k] = expand(v)
		}
	}
	mine, theirs := reflect.ValueOf(r).Elem(), reflect.ValueOf(t).Elem()
	for i := range mine.NumField() {
		if mine.Field(i).IsZero() {
			mine.Field(i).Set(expandedCopy(theirs.Field(i), expand))
		}
	}
	r.Labels = nil
	if len(labels) > 0 {
		r.Labels = labels
	}
	return slices.Compact(faults)
}

// expandedCopy is a deep copy with every text expanded: resources share nothing.
func expandedCopy(v reflect.Value, expand func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(expand(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(expandedCopy(v.Elem(), expand))
			out.Set(p)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = reflect.Append(out, expandedCopy(v.Index(i), expand))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(expandedCopy(v.Field(i), expand))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for _, k := range v.MapKeys() {
			out.SetMapIndex(k, expandedCopy(v.MapIndex(k), expand))
		}
	default:
		out.Set(v)
	}
	return out
}

// expanded is the text with {name} and {labels.KEY} replaced, and which of them
// are not there. Other braces stay as they are.
func expanded(s, name string, labels map[string]string) (out string, missing []string) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), missing
		}
		word, after, ok := strings.Cut(rest, "}")
		key, isLabel := strings.CutPrefix(word, "labels.")
		switch value, has := labels[key]; {
		case !ok || word != "name" && !isLabel:
			b.WriteByte('{')
			s = rest
			continue
		case word == "name":
			b.WriteString(name)
		case !has:
			missing = append(missing, word)
		default:
			b.WriteString(value)
		}
		s = after
	}
}
