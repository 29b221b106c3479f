package kubernetes

import (
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/policy"
)

// plurals are short and singular names of resources, as kubectl takes them.
var plurals = map[string]string{
	"po": "pods", "pod": "pods", "svc": "services", "service": "services", "deploy": "deployments", "deployment": "deployments", "ds": "daemonsets", "daemonset": "daemonsets", "sts": "statefulsets", "statefulset": "statefulsets",
	"rs": "replicasets", "replicaset": "replicasets", "rc": "replicationcontrollers", "replicationcontroller": "replicationcontrollers", "cm": "configmaps", "configmap": "configmaps", "secret": "secrets", "ns": "namespaces", "namespace": "namespaces",
	"no": "nodes", "node": "nodes", "pv": "persistentvolumes", "persistentvolume": "persistentvolumes", "pvc": "persistentvolumeclaims", "persistentvolumeclaim": "persistentvolumeclaims", "sa": "serviceaccounts", "serviceaccount": "serviceaccounts",
	"ing": "ingresses", "ingress": "ingresses", "netpol": "networkpolicies", "networkpolicy": "networkpolicies", "job": "jobs", "cj": "cronjobs", "cronjob": "cronjobs", "hpa": "horizontalpodautoscalers", "horizontalpodautoscaler": "horizontalpodautoscalers",
	"crd": "customresourcedefinitions", "crds": "customresourcedefinitions", "customresourcedefinition": "customresourcedefinitions", "sc": "storageclasses", "storageclass": "storageclasses", "role": "roles", "rolebinding": "rolebindings",
	"clusterrole": "clusterroles", "clusterrolebinding": "clusterrolebindings", "csr": "certificatesigningrequests", "certificatesigningrequest": "certificatesigningrequests", "quota": "resourcequotas", "resourcequota": "resourcequotas", "limits": "limitranges",
	"limitrange": "limitranges", "ev": "events", "event": "events", "ep": "endpoints", "pdb": "poddisruptionbudgets", "poddisruptionbudget": "poddisruptionbudgets", "pc": "priorityclasses", "priorityclass": "priorityclasses", "apiservice": "apiservices",
	"mutatingwebhookconfiguration": "mutatingwebhookconfigurations", "validatingwebhookconfiguration": "validatingwebhookconfigurations", "validatingadmissionpolicy": "validatingadmissionpolicies", "runtimeclass": "runtimeclasses", "ingressclass": "ingressclasses",
	"volumeattachment": "volumeattachments", "project": "projects", "psp": "podsecuritypolicies",
}

// groups are the API groups of the resources that are judged by them.
var groups = map[string]string{
	"deployments": "apps", "statefulsets": "apps", "daemonsets": "apps", "replicasets": "apps", "roles": "rbac.authorization.k8s.io", "rolebindings": "rbac.authorization.k8s.io", "clusterroles": "rbac.authorization.k8s.io",
	"clusterrolebindings": "rbac.authorization.k8s.io", "customresourcedefinitions": "apiextensions.k8s.io", "storageclasses": "storage.k8s.io", "ingresses": "networking.k8s.io", "networkpolicies": "networking.k8s.io", "jobs": "batch", "cronjobs": "batch",
	"mutatingwebhookconfigurations": "admissionregistration.k8s.io", "validatingwebhookconfigurations": "admissionregistration.k8s.io", "apiservices": "apiregistration.k8s.io", "certificatesigningrequests": "certificates.k8s.io",
}

// kindOf is a resource's name in the API: secrets.v1., SECRET and secret are one.
func kindOf(word string) (resource, group string) {
	word = strings.ToLower(word)
	word, group, _ = strings.Cut(word, ".")
	if p, ok := plurals[word]; ok {
		word = p
	}
	if g, ok := groups[word]; ok {
		group = g
	}
	return word, group
}

// named reads TYPE NAME, TYPE/NAME and TYPE,TYPE and returns every type.
func (j *judge) named(words []string) (types []string, names int) {
	if len(words) == 0 {
		return nil, 0
	}
	add := func(kind string) {
		for _, k := range strings.Split(kind, ",") {
			if r, g := kindOf(k); r != "" {
				if len(types) == 0 {
					j.call.Resource, j.call.Group = r, g
				}
				types = append(types, r)
			}
		}
	}
	if !strings.Contains(words[0], "/") {
		add(words[0])
		for _, w := range words[1:] {
			if strings.ContainsAny(w, "=") || strings.HasSuffix(w, "-") {
				continue // label=value, label-
			}
			if names++; names == 1 {
				j.call.Name = w
			}
		}
		return types, names
	}
	for _, w := range words {
		kind, name, ok := strings.Cut(w, "/")
		if !ok || strings.Contains(w, "=") {
			continue
		}
		add(kind)
		if names++; names == 1 {
			j.call.Name = name
		}
	}
	return types, names
}

// each judges the call for every type that the line names.
func (j *judge) each(verb string, types []string) {
	first := j.call
	for i, t := range types {
		j.call.Verb = verb
		j.call.Resource, j.call.Group = kindOf(t)
		j.judge()
		if i == 0 {
			first = j.call
		}
	}
	j.call = first
}

func (j *judge) shows(words, _ []string, f flags) {
	types, names := j.named(words)
	verb := "list"
	if names > 0 {
		verb = "get"
	}
	if f.on("-w", "--watch", "--watch-only") {
		verb = "watch"
	}
	j.each(verb, types)
	if len(types) == 0 && f.has("-f", "--filename", "-k") {
		j.call.Verb = "get"
		j.raise(policy.Privilege, "what it shows is named in a file that is not in the text")
	}
}

func (j *judge) logs(words, _ []string, _ flags) {
	j.call.Verb, j.call.Resource, j.call.Subresource = "get", "pods", "log"
	if len(words) > 0 {
		j.call.Name = words[0][strings.LastIndexByte(words[0], '/')+1:]
	}
}

// forwards is a way to a port of a pod: that of the container, behind the local one.
func (j *judge) forwards(words, _ []string, _ flags) {
	j.call.Verb, j.call.Resource, j.call.Subresource = "create", "pods", "portforward"
	j.raise(policy.Dangerous, "port-forward opens a way into the cluster")
	if len(words) > 0 {
		j.call.Name = words[0][strings.LastIndexByte(words[0], '/')+1:]
	}
	if len(words) == 2 {
		if n, err := strconv.ParseUint(words[1][strings.LastIndexByte(words[1], ':')+1:], 10, 16); err == nil {
			j.call.Port = int64(n)
		}
	}
}

func (j *judge) tops(_, _ []string, _ flags) { j.call.Verb = "get" }

// opaque is a verb over manifests that are not in the text.
func (j *judge) opaque(words, _ []string, f flags) {
	if j.call.Verb == "diff" {
		j.call.Verb = "get"
		return // it shows what would change
	}
	if j.call.Verb == "apply" && len(words) > 0 && words[0] == "view-last-applied" {
		j.named(words[1:])
		j.each("get", []string{j.call.Resource})
		return
	}
	j.raise(policy.Dangerous, "the manifest is not in the text, so that it is not judged")
	if f.on("--prune", "--force") {
		j.destroys("deletes what the manifest does not name, or replaces by deleting")
	}
}

func (j *judge) deletesLine(words, _ []string, f flags) {
	if f.has("-f", "--filename", "-k", "--kustomize") {
		j.raise(policy.Dangerous, "what it deletes is named in a file that is not in the text")
		j.destroys("what it deletes is not in the text")
		return
	}
	types, names := j.named(words)
	verb := "delete"
	if names == 0 || f.has("-l", "--selector", "--field-selector") || f.on("--all", "-A", "--all-namespaces") {
		verb = "deletecollection"
	}
	j.each(verb, types)
	switch {
	case len(types) == 0:
		j.raise(policy.Unknown, "the line does not say what it deletes")
	case verb == "deletecollection" || types[0] == "all":
		j.destroys("deletes whatever matches")
	}
}

// creates is create TYPE: a manifest, or an object that the line describes.
func (j *judge) creates(words, after []string, f flags) {
	if len(words) == 0 || f.has("-f", "--filename", "-k", "--kustomize") {
		j.opaque(words, nil, f)
		return
	}
	if words[0] == "token" {
		j.call.Resource, j.call.Subresource, j.call.Verb = "serviceaccounts", "token", "create"
		j.judge()
		return
	}
	if words[0] == "secret" || words[0] == "service" {
		words = append(words[:1:1], words[min(2, len(words)):]...) // create secret generic NAME
	}
	types, _ := j.named(words[:min(2, len(words))])
	j.each("create", types)
	if r := j.call.Resource; r == "jobs" || r == "cronjobs" || r == "pods" || len(after) > 0 {
		j.raise(policy.Dangerous, "create runs a program in the cluster")
		j.program(after, nil)
	}
}

func (j *judge) patches(words, _ []string, f flags) {
	if f.has("-f", "--filename", "--patch-file") || f.last("-p", "--patch") == "" {
		j.raise(policy.Dangerous, "the patch is not in the text")
	}
	types, _ := j.named(words)
	j.call.Subresource = f.last("--subresource")
	j.each("patch", types)
	if p := f.last("-p", "--patch"); p != "" {
		j.manifest([]byte(p))
	}
}

// edits is a verb that changes the objects it names in a small way.
func (j *judge) edits(words, _ []string, f flags) {
	if f.has("-f", "--filename", "-k") {
		j.raise(policy.Dangerous, "what it changes is named in a file that is not in the text")
	}
	verb := j.call.Verb
	types, _ := j.named(words)
	if verb == "edit" {
		j.raise(policy.Dangerous, "edit opens an editor, and what is typed there is not in the text")
	}
	j.each("patch", types)
	if f.on("--all", "-A", "--all-namespaces") && verb != "label" && verb != "annotate" {
		j.destroys("changes whatever matches")
	}
}

func (j *judge) sets(words, _ []string, f flags) {
	if len(words) == 0 {
		return
	}
	what := words[0]
	if what == "env" && f.on("--list") {
		j.call.Verb = "get"
		j.raise(policy.Read, "")
		return
	}
	types, _ := j.named(words[1:])
	j.each("patch", types)
	switch what {
	case "serviceaccount", "sa", "subject":
		j.raise(policy.Privilege, "set "+what+" changes as whom a workload acts")
	case "image", "env", "resources", "selector":
		j.raise(policy.Write, "set "+what)
	}
	if f.on("--all") {
		j.raise(policy.Write, "changes every one")
	}
}

func (j *judge) scales(words, _ []string, f flags) {
	types, _ := j.named(words)
	j.call.Subresource = "scale"
	j.each("patch", types)
	switch r := f.last("--replicas"); {
	case r == "":
		j.raise(policy.Unknown, "the line does not say how many replicas")
	case strings.Trim(r, "0") == "":
		j.destroys("scales to nothing")
	}
}

func (j *judge) rollout(words, _ []string, f flags) {
	if len(words) == 0 {
		return
	}
	verb := words[0]
	types, _ := j.named(words[1:])
	switch verb {
	case "status", "history":
		j.each("get", types)
	case "undo":
		j.each("patch", types)
		j.raise(policy.Write, "goes back to an older version")
	case "restart", "pause", "resume":
		j.each("patch", types)
		j.raise(policy.Write, "rollout "+verb)
	default:
		j.raise(policy.Unknown, "rollout "+verb+" is not known")
	}
	if f.has("-f", "--filename") && verb != "status" && verb != "history" {
		j.raise(policy.Dangerous, "what it changes is named in a file that is not in the text")
	}
}

func (j *judge) nodes(words, _ []string, _ flags) {
	verb := j.call.Verb
	j.call.Resource, j.call.Verb = "nodes", "patch"
	if len(words) > 0 {
		j.call.Name = words[len(words)-1]
		if verb == "taint" && len(words) > 1 {
			j.call.Name = words[1]
		}
	}
	j.judge()
	j.raise(policy.Dangerous, verb+" decides where pods run")
	if verb == "drain" || verb == "taint" && strings.Contains(strings.Join(words, " "), "NoExecute") && !strings.HasSuffix(strings.Join(words, " "), "-") {
		j.destroys(verb + " ends the node's pods")
	}
}

func (j *judge) auth(words, _ []string, f flags) {
	if len(words) > 0 && words[0] == "reconcile" {
		j.raise(policy.Privilege, "changes who may do what")
		return
	}
	j.call.Verb, j.call.Resource = "create", "selfsubjectaccessreviews"
	j.judge()
}

func (j *judge) rightsLine(words, _ []string, _ flags) {
	j.raise(policy.Privilege, j.call.Verb+" changes who may do what")
	if len(words) > 0 && (words[0] == "drain" || words[0] == "prune") {
		j.destroys("ends or deletes whatever matches")
	}
}

// config reads or changes kubectl's own configuration.
func (j *judge) config(words, _ []string, f flags) {
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "current-context", "get-contexts", "get-clusters", "get-users":
	case "view":
		if f.on("--raw") {
			j.raise(policy.Privilege, "shows the credentials")
		}
	case "use-context", "rename-context":
		j.raise(policy.Write, "goes to another cluster")
	default:
		j.raise(policy.Privilege, "changes with which credentials kubectl signs in")
	}
}

func (j *judge) clusterInfo(words, _ []string, _ flags) {
	j.call.Verb = "get"
	if len(words) > 0 && words[0] == "dump" {
		j.raise(policy.Privilege, "dumps everything that the cluster holds")
	}
}

func (j *judge) plugin(words, _ []string, _ flags) {
	if len(words) > 0 && words[0] != "list" {
		j.raise(policy.Unknown, "a plug-in")
	}
}

// program looks for what the command in a workload destroys.
func (j *judge) program(after, words []string) {
	if len(after) == 0 && len(words) > 1 {
		after = words[1:] // the old form without --
	}
	if len(after) == 0 {
		return
	}
	if f := shellfacts.Command(after); f.Destructive {
		j.destroys("the program deletes or kills")
	}
}
