package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// now is replaced in tests.
var now = time.Now

func (l *job) rollout() error {
	if len(l.words) < 2 {
		return wrong("rollout restart|status|history|undo|pause|resume TYPE/NAME")
	}
	o, err := l.one(l.words[1:])
	if err != nil {
		return err
	}
	switch l.words[0] {
	case "restart":
		return l.change(o, "", strategicPatch, `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"`+now().UTC().Format(time.RFC3339)+`"}}}}}`, "restarted")
	case "pause", "resume":
		return l.change(o, "", strategicPatch, fmt.Sprintf(`{"spec":{"paused":%t}}`, l.words[0] == "pause"), l.words[0]+"d")
	case "status":
		return l.rolled(o)
	case "history":
		return l.history(o)
	case "undo":
		return l.undo(o)
	}
	return wrong("rollout %s is not done here: restart, status, history, undo, pause and resume are", l.words[0])
}

// workload is what tells how far a rollout is.
type workload struct {
	Metadata struct{ Generation int64 }
	Spec     struct{ Replicas *int64 }
	Status   struct {
		ObservedGeneration, Replicas, UpdatedReplicas, ReadyReplicas, AvailableReplicas int64
		DesiredNumberScheduled, UpdatedNumberScheduled, NumberAvailable                 int64
	}
}

// left says what a rollout waits for, "" for nothing.
func (w workload) left(kind string) string {
	want, updated, ready := int64(1), w.Status.UpdatedReplicas, w.Status.AvailableReplicas
	if w.Spec.Replicas != nil {
		want = *w.Spec.Replicas
	}
	switch kind {
	case "daemonsets":
		want, updated, ready = w.Status.DesiredNumberScheduled, w.Status.UpdatedNumberScheduled, w.Status.NumberAvailable
	case "statefulsets":
		ready = w.Status.ReadyReplicas
	}
	switch {
	case w.Status.ObservedGeneration < w.Metadata.Generation:
		return "the change to be seen"
	case updated < want:
		return fmt.Sprintf("%d of %d to be updated", updated, want)
	case kind == "deployments" && w.Status.Replicas > updated:
		return fmt.Sprintf("%d old ones to end", w.Status.Replicas-updated)
	case ready < want:
		return fmt.Sprintf("%d of %d to be available", ready, want)
	}
	return ""
}

// rolled waits until a rollout is done; with --watch=false it only says.
func (l *job) rolled(o object) error {
	if !slices.Contains([]string{"deployments", "statefulsets", "daemonsets"}, o.kind.name) {
		return wrong("deployments, statefulsets and daemonsets are rolled out")
	}
	last := ""
	tell := func(b []byte) (bool, error) {
		var w workload
		if json.Unmarshal(b, &w) != nil {
			return false, errNotJSON
		}
		left := w.left(o.kind.name)
		if left == "" {
			return true, l.print("%s %q successfully rolled out\n", o.kind.nameOf(), o.name)
		}
		if left == last {
			return false, nil
		}
		last = left
		return false, l.print("waiting for %s ...\n", left)
	}
	if w := l.f.last("--watch", "-w"); w == "false" {
		b, err := l.ask(request{method: "GET", target: l.at(o)})
		if err != nil {
			return err
		}
		_, err = tell(b)
		return err
	}
	q := url.Values{"watch": {"true"}, "fieldSelector": {"metadata.name=" + o.name}}
	return l.follow(request{method: "GET", target: target(o.kind.collection(l.namespace()), q)}, func(kind string, b []byte) error {
		if kind == "DELETED" {
			return wrong("it was deleted")
		}
		done, err := tell(b)
		if err == nil && done {
			return errEnough
		}
		return err
	})
}
