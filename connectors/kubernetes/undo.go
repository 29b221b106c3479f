package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sallyport/sallyport/connectors"
)

// revision is what a workload once was, as its controller keeps it: a replica set, or
// a controller revision.
type revision struct {
	number int64
	cause  string
	at     string // its path
	change json.RawMessage
}

const (
	revisionOf  = "deployment.kubernetes.io/revision"
	changeCause = "kubernetes.io/change-cause"
	hashLabel   = "pod-template-hash"
)

// revisions are those of a workload, oldest first.
func (l *job) revisions(o object) ([]revision, error) {
	k := kind{group: "apps", version: "v1", name: "controllerrevisions", namespaced: true}
	switch o.kind.name {
	case "deployments":
		k.name = "replicasets"
	case "statefulsets", "daemonsets":
	default:
		return nil, wrong("deployments, statefulsets and daemonsets have revisions")
	}
	b, err := l.ask(request{method: "GET", target: l.at(o)})
	if err != nil {
		return nil, err
	}
	var w struct {
		Metadata struct{ UID string }
		Spec     struct {
			Paused   bool
			Selector *metav1.LabelSelector
		}
	}
	if json.Unmarshal(b, &w) != nil || w.Metadata.UID == "" {
		return nil, errNotJSON
	}
	by, err := metav1.LabelSelectorAsSelector(w.Spec.Selector)
	if err != nil {
		return nil, errNotJSON
	}
	if w.Spec.Paused && l.words[0] == "undo" {
		return nil, wrong("%s is paused: resume it first", o.name)
	}
	b, err = l.ask(request{method: "GET", target: target(k.collection(l.namespace()), url.Values{"labelSelector": {by.String()}})})
	if err != nil {
		return nil, err
	}
	return readRevisions(b, k, l.namespace(), w.Metadata.UID)
}

// stored is an object that holds a revision.
type stored struct {
	Metadata struct {
		Name            string
		Annotations     map[string]string
		OwnerReferences []struct {
			UID        string
			Controller bool
		}
	}
	Revision int64
	Data     json.RawMessage
	Spec     struct{ Template json.RawMessage }
}

// change is what makes the workload what it was then.
func (s stored) change(k kind) (json.RawMessage, error) {
	if k.name == "controllerrevisions" {
		return s.Data, nil
	}
	var template map[string]any
	d := json.NewDecoder(bytes.NewReader(s.Spec.Template))
	d.UseNumber()
	if d.Decode(&template) != nil {
		return nil, errNotJSON
	}
	if meta, ok := template["metadata"].(map[string]any); ok {
		if labels, ok := meta["labels"].(map[string]any); ok {
			delete(labels, hashLabel)
		}
	}
	return json.Marshal([]any{map[string]any{"op": "replace", "path": "/spec/template", "value": template}})
}

func readRevisions(b []byte, k kind, namespace, owner string) (all []revision, err error) {
	var list struct{ Items []stored }
	if json.Unmarshal(b, &list) != nil {
		return nil, errNotJSON
	}
	for _, s := range list.Items {
		if !slices.ContainsFunc(s.Metadata.OwnerReferences, func(o struct {
			UID        string
			Controller bool
		}) bool {
			return o.Controller && o.UID == owner
		}) {
			continue
		}
		r := revision{number: s.Revision, cause: s.Metadata.Annotations[changeCause], at: k.object(namespace, s.Metadata.Name)}
		if k.name == "replicasets" {
			r.number, _ = strconv.ParseInt(s.Metadata.Annotations[revisionOf], 10, 64) // one without a number is none
		}
		if r.change, err = s.change(k); err != nil {
			return nil, err
		}
		if r.number > 0 {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b revision) int { return int(a.number - b.number) })
	return all, nil
}

func (l *job) history(o object) error {
	all, err := l.revisions(o)
	if err != nil {
		return err
	}
	if err := l.print("%s/%s\nREVISION  CHANGE-CAUSE\n", o.kind.nameOf(), oneLine(o.name)); err != nil {
		return err
	}
	for _, r := range all {
		cause := r.cause
		if cause == "" {
			cause = "<none>"
		}
		if err := l.print("%-8d  %s\n", r.number, oneLine(cause)); err != nil {
			return err
		}
	}
	return nil
}

// undo makes a workload what it was before, or at a revision.
func (l *job) undo(o object) error {
	to := int64(0)
	if n := l.f.last("--to-revision"); n != "" {
		var err error
		if to, err = strconv.ParseInt(n, 10, 64); err != nil || to < 0 {
			return wrong("--to-revision needs a number: rollout history lists them")
		}
	}
	all, err := l.revisions(o)
	if err != nil {
		return err
	}
	i := len(all) - 2 // 0 is the one before, as kubectl has it
	if to > 0 {
		i = slices.IndexFunc(all, func(r revision) bool { return r.number == to })
	}
	if i < 0 {
		return wrong("there is no such revision of %s to go back to: rollout history lists them", o.name)
	}
	if err := l.unmasked(all[i], o); err != nil {
		return err
	}
	contents := jsonPatch
	if o.kind.name != "deployments" {
		contents = strategicPatch
	}
	return l.change(o, "", contents, string(all[i].change), fmt.Sprintf("rolled back to revision %d", all[i].number))
}

// unmasked makes sure that what was read is what is there: what a mask hides from this
// person would be written back as the mask's own text.
func (l *job) unmasked(r revision, o object) error {
	if err := l.g.Note(l.ctx, "GET "+r.at+" (the gate compares it with what was shown)"); err != nil {
		return err
	}
	a, err := l.c.send(l.ctx, request{method: "GET", target: r.at})
	if err != nil {
		return err
	}
	defer drain(a.Body)
	if a.StatusCode != nethttp.StatusOK {
		return refusal(a)
	}
	b, err := io.ReadAll(limited(a.Body, maxAnswer))
	if err != nil {
		return failed(l.ctx, err)
	}
	var s stored
	if json.Unmarshal(b, &s) != nil {
		return errNotJSON
	}
	k := kind{name: "replicasets"}
	if strings.Contains(r.at, "/controllerrevisions/") {
		k.name = "controllerrevisions"
	}
	change, err := s.change(k)
	if err != nil {
		return err
	}
	if !sameJSON(change, r.change) {
		return fmt.Errorf("%w: masks hide a part of that revision of %s from you, or it changed meanwhile, so it cannot be written back", connectors.ErrUnsupported, oneLine(o.name))
	}
	return nil
}

// sameJSON compares two documents, whose numbers are as they are written.
func sameJSON(a, b []byte) bool {
	var one, other bytes.Buffer
	return json.Compact(&one, a) == nil && json.Compact(&other, b) == nil && bytes.Equal(one.Bytes(), other.Bytes())
}
