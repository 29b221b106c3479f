package kubernetes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// manifest is one object of what the requester hands in.
type manifest struct {
	kind            kind
	namespace, name string
	body            []byte // JSON
}

// maxManifests bounds what is read from the requester.
const maxManifests = 8 << 20

// manifests reads the objects from the requester's input: YAML or JSON, one or
// more, each whole before anything is sent.
func (l *job) manifests() ([]manifest, error) {
	if f := append(l.f["-f"], l.f["--filename"]...); len(f) != 1 || f[0] != "-" {
		return nil, wrong("manifests come from the input: -f -")
	}
	if len(l.words) > 0 {
		return nil, wrong("%s -f - takes no words", l.verb)
	}
	if l.term.Stdio.In == nil {
		return nil, wrong("there is no input")
	}
	text, err := io.ReadAll(io.LimitReader(l.term.Stdio.In, maxManifests+1))
	if err != nil {
		return nil, fmt.Errorf("read the manifests: %w", err)
	}
	if len(text) > maxManifests {
		return nil, wrong("the manifests are longer than %d bytes", maxManifests)
	}
	kinds, err := l.c.discover(l.ctx, l.g)
	if err != nil {
		return nil, err
	}
	var out []manifest
	docs := kyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, wrong("the manifests cannot be read%s", lineOf(err))
		}
		b, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			return nil, wrong("object %d cannot be read%s", len(out)+1, lineOf(err))
		}
		if string(b) == "null" {
			continue
		}
		found, err := l.manifest(kinds, b)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, wrong("there is no object in the input")
	}
	return out, nil
}

// yamlLine is where a parser says that a text is wrong.
var yamlLine = regexp.MustCompile(`line [0-9]{1,9}`)

// lineOf is where and never what: the parser's own words may quote a Secret's value.
func lineOf(err error) string {
	if at := yamlLine.FindString(err.Error()); at != "" {
		return ": " + at + " is not YAML, or has a key for the second time"
	}
	return ": it is not YAML, or has a key for the second time"
}

func (l *job) manifest(kinds []kind, b []byte) ([]manifest, error) {
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
		Items            []json.RawMessage
	}
	if json.Unmarshal(b, &o) != nil || o.APIVersion == "" || o.Kind == "" {
		return nil, wrong("an object of the input has no apiVersion and kind")
	}
	if o.Kind == "List" && o.APIVersion == "v1" {
		var out []manifest
		for _, item := range o.Items {
			m, err := l.manifest(kinds, item)
			if err != nil {
				return nil, err
			}
			out = append(out, m...)
		}
		return out, nil
	}
	k, ok := ofManifest(kinds, o.APIVersion, o.Kind)
	switch {
	case !ok:
		return nil, wrong("the cluster knows no %s of %s", o.Kind, o.APIVersion)
	case o.Metadata.Name == "":
		return nil, wrong("a %s of the input has no name", o.Kind)
	}
	m := manifest{kind: k, namespace: o.Metadata.Namespace, name: o.Metadata.Name, body: b}
	if m.namespace == "" {
		m.namespace = l.namespace()
	} else if said := l.f.last("-n", "--namespace"); said != "" && said != m.namespace {
		return nil, wrong("%s is of namespace %s, and the line says %s", m.name, m.namespace, said)
	}
	return []manifest{m}, nil
}
