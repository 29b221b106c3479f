package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport/sallyport/connectors"
)

// describe shows objects whole, without what nobody reads, and their events.
func (l *job) describe() error {
	all, err := l.objects(l.words)
	if err != nil {
		return err
	}
	for i, o := range all {
		n := 0
		err := l.pages(o, "", func(b []byte) error {
			var list struct{ Items []json.RawMessage }
			if o.name != "" {
				list.Items = []json.RawMessage{b}
			} else if json.Unmarshal(b, &list) != nil {
				return errNotJSON
			}
			for _, item := range list.Items {
				if n++; n > 1 || i > 0 {
					if err := l.print("\n\n"); err != nil {
						return err
					}
				}
				if err := l.described(o.kind, item); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// described is one object: what it is first, then its parts as YAML.
func (l *job) described(k kind, b []byte) error {
	var o map[string]any
	if json.Unmarshal(b, &o) != nil {
		return errNotJSON
	}
	meta, _ := o["metadata"].(map[string]any)
	name, namespace := fmt.Sprint(meta["name"]), ""
	if err := l.print("%-14s%s\n", "Name:", oneLine(name)); err != nil {
		return err
	}
	if ns, ok := meta["namespace"].(string); ok {
		namespace = ns
		if err := l.print("%-14s%s\n", "Namespace:", oneLine(ns)); err != nil {
			return err
		}
	}
	part := map[string]any{"Kind": k.kind}
	for _, f := range []struct{ key, title string }{{"labels", "Labels"}, {"annotations", "Annotations"}, {"creationTimestamp", "Created"}, {"ownerReferences", "Controlled by"}} {
		if v, ok := meta[f.key]; ok {
			part[f.title] = v
		}
	}
	for key, v := range o {
		if key != "metadata" && key != "kind" && key != "apiVersion" {
			part[strings.ToUpper(key[:min(1, len(key))])+key[min(1, len(key)):]] = v
		}
	}
	y, err := yaml.Marshal(part)
	if err != nil {
		return errNotJSON
	}
	if err := l.print("%s", y); err != nil || !k.namespaced {
		return err
	}
	return l.eventsOf(k, namespace, name)
}

// eventsOf shows what happened to an object lately. Who may not see events sees
// the object all the same.
func (l *job) eventsOf(k kind, namespace, name string) error {
	q := url.Values{"fieldSelector": {"involvedObject.kind=" + k.kind + ",involvedObject.name=" + name}, "limit": {page}}
	b, err := l.ask(request{method: "GET", target: target("/api/v1/namespaces/"+segment(namespace)+"/events", q), accept: tableForm})
	if err != nil {
		if l.term.Stdio.Err != nil {
			_, err = fmt.Fprintf(l.term.Stdio.Err, "events cannot be seen: %s\n", err)
			return err
		}
		return nil
	}
	t, err := readTable(b)
	if err != nil {
		return err
	}
	if len(t.Rows) == 0 {
		return l.print("Events: none\n")
	}
	if err := l.print("Events:\n"); err != nil {
		return err
	}
	p := &tablePrinter{out: l.out, headers: true}
	p.begin(k, false)
	if err := p.add(t); err != nil {
		return err
	}
	return p.flush()
}

// events is get events, of one object with --for.
func (l *job) events() error {
	if len(l.words) > 0 {
		return wrong("events takes no words: --for TYPE/NAME narrows them")
	}
	if of := l.f.last("--for"); of != "" {
		o, err := l.one([]string{of})
		if err != nil {
			return err
		}
		l.f["--field-selector"] = []string{"involvedObject.kind=" + o.kind.kind + ",involvedObject.name=" + o.name}
	}
	l.words = []string{"events"}
	return l.get()
}

// logs hands a container's log on.
func (l *job) logs() error {
	pod, err := l.pod()
	if err != nil {
		return err
	}
	q := url.Values{}
	set := func(key string, names ...string) {
		if v := l.f.last(names...); v != "" {
			q.Set(key, v)
		}
	}
	set("tailLines", "--tail")
	set("container", "-c", "--container")
	set("limitBytes", "--limit-bytes")
	if l.f.last("--tail") == "-1" {
		q.Del("tailLines")
	}
	if since := l.f.last("--since"); since != "" {
		d, err := time.ParseDuration(since)
		if err != nil || d < time.Second {
			return wrong("--since is a duration: 10m, 2h")
		}
		q.Set("sinceSeconds", fmt.Sprint(int(d.Seconds())))
	}
	if l.on("-f", "--follow") {
		q.Set("follow", "true")
	}
	if l.on("-p", "--previous") {
		q.Set("previous", "true")
	}
	if l.on("--timestamps") {
		q.Set("timestamps", "true")
	}
	return l.send(request{method: "GET", target: target("/api/v1/namespaces/"+segment(l.namespace())+"/pods/"+segment(pod)+"/log", q)}, &answer{to: l.out})
}

// pod reads POD, pod/POD or pods/POD.
func (l *job) pod() (string, error) {
	if len(l.words) != 1 || l.words[0] == "" {
		return "", wrong("one pod is needed: its name")
	}
	word, name, ok := strings.Cut(l.words[0], "/")
	if !ok {
		word, name = "pod", word
	}
	// A name is a part of a path, which leads elsewhere where it is more than a name.
	if !slices.Contains([]string{"po", "pod", "pods"}, strings.ToLower(word)) || !plainName(name) {
		return "", wrong("%q is no pod: name the pod itself", l.words[0])
	}
	return name, nil
}

// exec runs a program in a container; attach joins the one that runs there.
func (l *job) exec() error {
	pod, err := l.pod()
	if err != nil {
		return err
	}
	p := program{namespace: l.namespace(), pod: pod, container: l.f.last("-c", "--container"), argv: l.after, stdin: l.on("-i", "--stdin"), tty: l.on("-t", "--tty")}
	if l.verb == "exec" && len(p.argv) == 0 {
		return wrong("the command is needed: exec POD -- COMMAND")
	}
	switch {
	case p.tty && l.term.Term == "":
		return wrong("there is no terminal for -t: ssh -t")
	case !p.tty && l.term.Stdio.Err == nil: // nowhere for what the program says beside
		return wrong("there is a terminal, and the line says that it wants none: say -t once, or leave it out")
	}
	exit, err := l.c.exec(l.ctx, l.g, p, l.term)
	if err == nil && exit != (connectors.Exit{}) {
		return exitCode(exit)
	}
	return err
}

// apiResources lists what the cluster knows.
func (l *job) apiResources() error {
	kinds, err := l.c.discover(l.ctx, l.g)
	if err != nil {
		return err
	}
	p := &tablePrinter{out: l.out, headers: !l.on("--no-headers"), head: []string{"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"}}
	for _, k := range kinds {
		if g, ok := l.f["--api-group"]; ok && k.group != g[len(g)-1] || l.f.has("--namespaced") && l.on("--namespaced") != k.namespaced {
			continue
		}
		p.rows = append(p.rows, []string{oneLine(k.name), oneLine(strings.Join(k.short, ",")), oneLine(k.apiVersion()), fmt.Sprint(k.namespaced), oneLine(k.kind)})
	}
	return p.flush()
}

func (l *job) version() error {
	b, err := l.ask(request{method: "GET", target: "/version"})
	if err != nil {
		return err
	}
	var v struct{ GitVersion string }
	switch o := l.f.last("-o", "--output"); {
	case o == "json" || o == "yaml":
		return form{word: o}.print(l.out, b)
	case json.Unmarshal(bytes.TrimSpace(b), &v) != nil:
		return errNotJSON
	}
	return l.print("Server Version: %s\n", oneLine(v.GitVersion))
}

// auth asks what the login, or the person it stands for, may do at the cluster.
func (l *job) auth() error {
	const group = "/apis/authorization.k8s.io/v1/"
	switch {
	case len(l.words) == 1 && l.words[0] == "can-i" && l.on("--list"):
		body, _ := json.Marshal(map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": map[string]string{"namespace": l.namespace()}})
		b, err := l.ask(request{method: "POST", target: group + "selfsubjectrulesreviews", contents: "application/json", body: string(body)})
		if err != nil {
			return err
		}
		return l.rules(b)
	case len(l.words) == 3 && l.words[0] == "can-i":
	default:
		return wrong("auth can-i VERB TYPE[/NAME], or auth can-i --list")
	}
	word, name, _ := strings.Cut(l.words[2], "/")
	kinds, err := l.c.discover(l.ctx, l.g)
	if err != nil {
		return err
	}
	k, ok := named(kinds, word)
	if !ok {
		return wrong("the cluster knows no %q", word)
	}
	about := map[string]string{"verb": l.words[1], "resource": k.name, "group": k.group, "name": name, "subresource": l.f.last("--subresource")}
	if k.namespaced {
		about["namespace"] = l.namespace()
	}
	body, _ := json.Marshal(map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{"resourceAttributes": about}})
	b, err := l.ask(request{method: "POST", target: group + "selfsubjectaccessreviews", contents: "application/json", body: string(body)})
	if err != nil {
		return err
	}
	var a struct{ Status struct{ Allowed bool } }
	if json.Unmarshal(b, &a) != nil {
		return errNotJSON
	}
	if a.Status.Allowed {
		return l.print("yes\n")
	}
	if err := l.print("no\n"); err != nil {
		return err
	}
	return exitCode{Code: 1}
}

// rules lists rights.
func (l *job) rules(b []byte) error {
	var a struct {
		Status struct {
			ResourceRules []struct{ Verbs, APIGroups, Resources, ResourceNames []string }
		}
	}
	if json.Unmarshal(b, &a) != nil {
		return errNotJSON
	}
	p := &tablePrinter{out: l.out, headers: true, head: []string{"RESOURCES", "GROUPS", "NAMES", "VERBS"}}
	for _, r := range a.Status.ResourceRules {
		p.rows = append(p.rows, []string{oneLine(strings.Join(r.Resources, ",")), oneLine(strings.Join(r.APIGroups, ",")), oneLine(strings.Join(r.ResourceNames, ",")), oneLine(strings.Join(r.Verbs, ","))})
	}
	return p.flush()
}
