package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

const (
	jsonPatch      = "application/json-patch+json"
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	applyPatch     = "application/apply-patch+yaml" // JSON is YAML
)

// dry adds what makes the server only try the request.
func (l *job) dry(q url.Values) (url.Values, error) {
	if q == nil {
		q = url.Values{}
	}
	switch d := l.f["--dry-run"]; {
	case d == nil || d[len(d)-1] == "none":
	case d[len(d)-1] == "server":
		q.Set("dryRun", "All")
	default:
		return nil, wrong("--dry-run is server or none: the cluster itself must try it")
	}
	return q, nil
}

// tried is what is said behind what was only tried.
func (l *job) tried() string {
	if l.f.dry() {
		return " (server dry run)"
	}
	return ""
}

// apply is a server-side apply of each object of the input.
func (l *job) apply() error {
	all, err := l.manifests()
	if err != nil {
		return err
	}
	for _, m := range all {
		q, err := l.dry(url.Values{"fieldManager": {"sallyport"}})
		if err != nil {
			return err
		}
		if m2 := l.f.last("--field-manager"); m2 != "" {
			q.Set("fieldManager", m2)
		}
		if l.on("--force-conflicts") {
			q.Set("force", "true")
		}
		b, err := l.ask(request{method: "PATCH", target: target(m.kind.object(m.namespace, m.name), q), contents: applyPatch, body: string(m.body)})
		if err != nil {
			return err
		}
		if err := l.said(m.kind, m.name, "serverside-applied", b); err != nil {
			return err
		}
	}
	return nil
}

// create makes each object of the input.
func (l *job) create() error {
	all, err := l.manifests()
	if err != nil {
		return err
	}
	for _, m := range all {
		q, err := l.dry(nil)
		if err != nil {
			return err
		}
		b, err := l.ask(request{method: "POST", target: target(m.kind.collection(m.namespace), q), contents: "application/json", body: string(m.body)})
		if err != nil {
			return err
		}
		if err := l.said(m.kind, m.name, "created", b); err != nil {
			return err
		}
	}
	return nil
}

// said tells what became of an object, or shows it in the form asked for.
func (l *job) said(k kind, name, what string, b []byte) error {
	if o := l.f.last("-o", "--output"); o == "json" || o == "yaml" {
		return form{word: o}.print(l.out, b)
	} else if o == "name" {
		return l.print("%s/%s\n", k.nameOf(), oneLine(name))
	}
	return l.print("%s/%s %s%s\n", k.nameOf(), oneLine(name), what, l.tried())
}

// delete deletes objects by name, those of the input, or all that a selector or
// --all names in one request.
func (l *job) delete() error {
	if l.f.has("-f", "--filename") {
		all, err := l.manifests()
		if err != nil {
			return err
		}
		for _, m := range all {
			if err := l.deletes(m.kind, m.kind.object(m.namespace, m.name), m.name, nil); err != nil {
				return err
			}
		}
		return nil
	}
	all, err := l.objects(l.words)
	if err != nil {
		return err
	}
	for _, o := range all {
		selected := l.f.last("-l", "--selector") != ""
		switch {
		case o.name != "" && (selected || l.on("--all")):
			return wrong("name the objects, or select them, not both")
		case o.name != "":
			err = l.deletes(o.kind, l.at(o), o.name, nil)
		case selected || l.on("--all"):
			err = l.deletes(o.kind, o.kind.collection(l.namespace()), "", l.query())
		default:
			return wrong("name what is to be deleted, or select it with -l or --all")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *job) deletes(k kind, path, name string, q url.Values) error {
	q, err := l.dry(q)
	if err != nil {
		return err
	}
	policy := map[string]string{"": "Background", "background": "Background", "foreground": "Foreground", "orphan": "Orphan"}[l.f.last("--cascade")]
	if policy == "" {
		return wrong("--cascade is background, foreground or orphan")
	}
	q.Set("propagationPolicy", policy)
	if g := l.f.last("--grace-period"); g != "" {
		q.Set("gracePeriodSeconds", g)
	} else if l.on("--now") {
		q.Set("gracePeriodSeconds", "1")
	} else if l.on("--force") {
		q.Set("gracePeriodSeconds", "0")
	}
	b, err := l.ask(request{method: "DELETE", target: target(path, q)})
	if missing(err) && l.on("--ignore-not-found") {
		return nil
	}
	if err != nil {
		return err
	}
	if name != "" {
		return l.print("%s %q deleted%s\n", k.nameOf(), name, l.tried())
	}
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	if json.Unmarshal(b, &list) != nil {
		return errNotJSON
	}
	for _, o := range list.Items {
		if err := l.print("%s %q deleted%s\n", k.nameOf(), o.Metadata.Name, l.tried()); err != nil {
			return err
		}
	}
	return nil
}

// change patches one object and says so.
func (l *job) change(o object, sub, contents, body, what string) error {
	q, err := l.dry(url.Values{"fieldManager": {"sallyport"}})
	if err != nil {
		return err
	}
	path := l.at(o)
	if sub != "" {
		path += "/" + segment(sub)
	}
	if _, err := l.ask(request{method: "PATCH", target: target(path, q), contents: contents, body: body}); err != nil {
		return err
	}
	return l.print("%s/%s %s%s\n", o.kind.nameOf(), oneLine(o.name), what, l.tried())
}

func (l *job) scale() error {
	replicas := l.f.last("--replicas")
	if replicas == "" || len(replicas) > 9 || strings.Trim(replicas, "0123456789") != "" {
		return wrong("--replicas needs a number")
	}
	o, err := l.one(l.words)
	if err != nil {
		return err
	}
	body := `{"spec":{"replicas":` + strings.TrimLeft(replicas[:len(replicas)-1], "0") + replicas[len(replicas)-1:] + `}}`
	return l.change(o, "scale", mergePatch, body, "scaled")
}

func (l *job) patch() error {
	o, err := l.one(l.words)
	if err != nil {
		return err
	}
	contents := map[string]string{"": strategicPatch, "strategic": strategicPatch, "merge": mergePatch, "json": jsonPatch}[l.f.last("--type")]
	body, err := yaml.YAMLToJSONStrict([]byte(l.f.last("-p", "--patch")))
	switch {
	case contents == "":
		return wrong("--type is strategic, merge or json")
	case err != nil || string(body) == "null":
		return wrong("the patch is needed: -p '{...}'")
	}
	return l.change(o, l.f.last("--subresource"), contents, string(body), "patched")
}

// marks sets labels or annotations: key=value, and key- takes one away.
func (l *job) marks() error {
	at := slices.IndexFunc(l.words, func(w string) bool { return strings.Contains(w, "=") || strings.HasSuffix(w, "-") })
	if at < 0 {
		return wrong("%s TYPE/NAME key=value or key-", l.verb)
	}
	o, err := l.one(l.words[:at])
	if err != nil {
		return err
	}
	set := map[string]any{}
	for _, w := range l.words[at:] {
		if k, v, ok := strings.Cut(w, "="); ok && k != "" {
			set[k] = v
		} else if k, ok := strings.CutSuffix(w, "-"); ok && k != "" {
			set[k] = nil
		} else {
			return wrong("%q is neither key=value nor key-", w)
		}
	}
	field, done := "labels", "labeled"
	if l.verb == "annotate" {
		field, done = "annotations", "annotated"
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{field: set}})
	if err != nil {
		return errNotJSON
	}
	return l.change(o, "", mergePatch, string(body), done)
}

func (l *job) cordon() error {
	if len(l.words) != 1 {
		return wrong("%s NODE", l.verb)
	}
	o, err := l.one([]string{"node/" + strings.TrimPrefix(l.words[0], "node/")})
	if err != nil {
		return err
	}
	return l.change(o, "", mergePatch, fmt.Sprintf(`{"spec":{"unschedulable":%t}}`, l.verb == "cordon"), l.verb+"ed")
}
