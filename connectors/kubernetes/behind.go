package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sallyport/sallyport/connectors"
)

// pod is the pod, and its port, that a way leads to. Of a service or a workload it
// is one that is ready.
func (c *Conn) pod(ctx context.Context, g connectors.Guard, w way) (way, error) {
	if w.kind == "pods" && portOf(w.port) != 0 {
		return w, nil
	}
	l := &job{c: c, ctx: ctx, g: g}
	r := &resolution{l: l, way: w}
	return r.find()
}

// resolution finds a pod behind a name, as kubectl does.
type resolution struct {
	l   *job
	way way
}

// behind are the kinds that stand for pods, with where their API is.
var behind = map[string]string{"pods": "/api/v1", "services": "/api/v1", "deployments": "/apis/apps/v1", "statefulsets": "/apis/apps/v1", "daemonsets": "/apis/apps/v1", "replicasets": "/apis/apps/v1"}

func (r *resolution) find() (way, error) {
	api, ok := behind[r.way.kind]
	if !ok {
		return way{}, wrong("a port is forwarded to a pod, a service or a workload, not to %s", r.way.kind)
	}
	at := api + "/namespaces/" + r.way.namespace + "/" + r.way.kind + "/" + r.way.name
	b, err := r.l.ask(request{method: "GET", target: at})
	if err != nil {
		return way{}, err
	}
	if r.way.kind == "pods" {
		var p v1.Pod
		if json.Unmarshal(b, &p) != nil {
			return way{}, errNotJSON
		}
		return r.named(p, r.way.port)
	}
	selector, port, err := r.selector(b)
	if err != nil {
		return way{}, err
	}
	b, err = r.l.ask(request{method: "GET", target: target("/api/v1/namespaces/"+r.way.namespace+"/pods", url.Values{"labelSelector": {selector}})})
	if err != nil {
		return way{}, err
	}
	var pods v1.PodList
	if json.Unmarshal(b, &pods) != nil {
		return way{}, errNotJSON
	}
	for _, p := range pods.Items {
		if ready(p) {
			return r.named(p, port)
		}
	}
	return way{}, &connectors.TargetError{Code: "NotFound", Text: fmt.Sprintf("no pod of %s %q is ready", r.way.kind, r.way.name)}
}

func ready(p v1.Pod) bool {
	if p.Status.Phase != v1.PodRunning || p.DeletionTimestamp != nil {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == v1.PodReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

// selector is what selects the pods of an object, and the port of theirs that is
// meant.
func (r *resolution) selector(b []byte) (selector, port string, err error) {
	if r.way.kind == "services" {
		return r.service(b)
	}
	var o struct {
		Spec struct{ Selector *metav1.LabelSelector }
	}
	if json.Unmarshal(b, &o) != nil {
		return "", "", errNotJSON
	}
	by, err := metav1.LabelSelectorAsSelector(o.Spec.Selector)
	if err != nil || by.Empty() || o.Spec.Selector == nil {
		return "", "", wrong("%s selects no pods", r.way.name)
	}
	return by.String(), r.way.port, nil
}

func (r *resolution) service(b []byte) (selector, port string, err error) {
	var s v1.Service
	switch {
	case json.Unmarshal(b, &s) != nil:
		return "", "", errNotJSON
	case len(s.Spec.Selector) == 0 || s.Spec.Type == v1.ServiceTypeExternalName:
		return "", "", wrong("the service %s selects no pods", r.way.name)
	}
	by := labels.Set(s.Spec.Selector).String()
	for _, p := range s.Spec.Ports {
		if p.Name != r.way.port && fmt.Sprint(p.Port) != r.way.port {
			continue
		}
		if p.Protocol != "" && p.Protocol != v1.ProtocolTCP {
			return "", "", wrong("port %s of the service %s is %s: TCP is forwarded", r.way.port, r.way.name, p.Protocol)
		}
		if to := p.TargetPort.String(); to != "0" && to != "" && s.Spec.ClusterIP != v1.ClusterIPNone {
			return by, to, nil
		}
		return by, fmt.Sprint(p.Port), nil
	}
	return "", "", wrong("the service %s has no port %s", r.way.name, r.way.port)
}

// named is the pod with its port as a number.
func (r *resolution) named(p v1.Pod, port string) (way, error) {
	to := way{kind: "pods", namespace: r.way.namespace, name: p.Name, port: port}
	if !plainName(p.Name) {
		return to, errNotJSON
	}
	if portOf(port) != 0 {
		return to, nil
	}
	for _, c := range p.Spec.Containers {
		for _, cp := range c.Ports {
			if cp.Name == port && cp.ContainerPort > 0 {
				to.port = fmt.Sprint(cp.ContainerPort)
				return to, nil
			}
		}
	}
	return to, wrong("no container of %s has a port %q", p.Name, port)
}
