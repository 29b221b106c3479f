package kubernetes

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/policy"
)

// valued are kubectl's options that take a value in the next word.
var valued = set(`-n --namespace --context --cluster --kubeconfig --user -s --server --token --as --as-group --as-uid -l --selector -o --output --field-selector --sort-by -f --filename -k --kustomize
	-c --container --replicas --current-replicas --image --type -p --patch --patch-file --timeout --tail --since --since-time --grace-period --request-timeout --cache-dir --certificate-authority
	--client-certificate --client-key --tls-server-name --username --password -v --v --profile --profile-output --template --max-log-requests --limit-bytes --for --port --target-port --protocol
	--overrides --env --labels -L --label-columns --chunk-size --raw --subresource --field-manager --to-revision --min --max --cpu-percent --requests --limits --verb --resource --resource-name --serviceaccount
	--clusterrole --role --group --from-literal --from-file --from-env-file --docker-server --docker-username --docker-password --docker-email --cert --key --duration --audience --copy-to --target --address --restart
	--schedule --pod-selector --pod-running-timeout --hard --class --rule --value --tcp --external-name --revision --api-group --api-version --concurrent --profile --set-image --custom`)

// flags are the options of a line that matter here.
type flags map[string][]string

func (f flags) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { _, ok := f[n]; return ok })
}

// on reports whether a switch is there and not set to false.
func (f flags) on(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		v, ok := f[n]
		return ok && v[len(v)-1] != "false"
	})
}

// dry reports whether the line only tries what it says. The last of the options
// decides, as in kubectl.
func (f flags) dry() bool {
	d, ok := f["--dry-run"]
	return ok && d[len(d)-1] != "none" && d[len(d)-1] != "false"
}

func (f flags) last(names ...string) string {
	for _, n := range names {
		if v := f[n]; len(v) > 0 {
			return v[len(v)-1]
		}
	}
	return ""
}

// takes reports whether the option takes a value: of logs, -f is to follow and -p
// the previous one.
func takes(name string, words []string) bool {
	if (name == "-f" || name == "-p") && len(words) > 0 && (words[0] == "logs" || words[0] == "log") {
		return false
	}
	return valued[name]
}

// parseLine splits kubectl's words into flags, operands, and what follows --.
func parseLine(args []string) (f flags, words, after []string) {
	f = flags{}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return f, words, args[i+1:]
		case !strings.HasPrefix(a, "-") || a == "-":
			words = append(words, a)
			continue
		}
		name, value, inline := strings.Cut(a, "=")
		if !inline && !strings.HasPrefix(a, "--") && len(a) > 2 && takes(a[:2], words) {
			name, value, inline = a[:2], a[2:], true
		}
		if !inline && takes(name, words) && i+1 < len(args) {
			i++
			value = args[i]
		}
		f[name] = append(f[name], value)
	}
	return f, words, nil
}

// Kubectl judges the words that follow kubectl.
func Kubectl(args []string) policy.Facts {
	j := &judge{class: policy.Read}
	f, words, after := parseLine(args)
	if len(words) == 0 {
		if !f.has("--help", "-h", "--version") && len(args) > 0 {
			j.raise(policy.Unknown, "the line names no verb")
		}
		return j.facts("kubectl")
	}
	verb := words[0]
	j.call.Verb = verb
	j.call.Namespace = f.last("-n", "--namespace")
	j.line(verb, words[1:], after, f)
	j.fetches = strings.Contains(strings.Join(f["-f"], " ")+strings.Join(f["--filename"], " ")+strings.Join(f["-k"], " ")+strings.Join(f["--kustomize"], " "), "://")
	switch {
	case f.dry():
		j.tries(verb)
	case f.has("--list") && verb == "label":
		j.dry()
	}
	j.global(verb, f)
	return j.facts(verb)
}

// global judges the options that every verb takes.
func (j *judge) global(verb string, f flags) {
	switch {
	case f.has("--as", "--as-group", "--as-uid"):
		j.raise(policy.Privilege, "acts as somebody else")
	case f.has("--token", "--username", "--password", "--client-key", "--client-certificate"), f.has("--user") && verb != "create" && verb != "set": // there it is a subject
		j.raise(policy.Privilege, "signs in with another credential")
	}
	if f.has("-s", "--server", "--kubeconfig", "--insecure-skip-tls-verify", "--cluster", "--context") && !f.has("--context") {
		j.raise(policy.Dangerous, "goes to another server than the resource's")
	}
	if f.has("--raw") && j.call.Verb != "config" {
		j.raw(f.last("--raw"))
	}
	if o := f.last("-o", "--output"); strings.Contains(o, "-file=") {
		j.raise(policy.Privilege, "reads a file of its own host")
	}
}

// raw judges get --raw PATH as the request that it is.
func (j *judge) raw(target string) {
	if j.call.Verb != "get" && j.call.Verb != "list" {
		j.raise(policy.Dangerous, "a raw request that is not a GET")
		return
	}
	f := Request(&http.Request{Method: "GET", Target: target})
	j.call = *f.Kubernetes
	j.raise(f.Class, f.Why)
	j.destructive = j.destructive || f.Destructive
}

// line judges a verb with its words.
func (j *judge) line(verb string, words, after []string, f flags) {
	switch h := verbHandlers()[verb]; {
	case h != nil:
		h(j, words, after, f)
	case looks[verb]:
		j.call.Verb = "get"
	default:
		j.raise(policy.Unknown, "kubectl "+verb+" is not known: it may be a plug-in")
	}
}

// looks are verbs that only show something, whatever follows.
var looks = set("version api-resources api-versions explain completion help options")

// verbHandlers is the list of verbs, each with what it makes of its words.
func verbHandlers() map[string]func(j *judge, words, after []string, f flags) {
	runs := func(why string) func(*judge, []string, []string, flags) {
		return func(j *judge, words, after []string, f flags) {
			j.named(words)
			j.raise(policy.Dangerous, why)
			j.program(after, words)
		}
	}
	into := func(sub, why string) func(*judge, []string, []string, flags) {
		return func(j *judge, words, after []string, f flags) {
			runs(why)(j, words, after, f)
			j.call.Verb, j.call.Group, j.call.Resource, j.call.Subresource, j.call.Name = "create", "", "pods", sub, ""
			if len(words) > 0 {
				j.call.Name = words[0][strings.LastIndexByte(words[0], '/')+1:]
			}
		}
	}
	return map[string]func(*judge, []string, []string, flags){
		"get": (*judge).shows, "describe": (*judge).shows, "events": (*judge).shows, "wait": (*judge).shows, "logs": (*judge).logs, "log": (*judge).logs, "top": (*judge).tops, "diff": (*judge).opaque,
		"exec": into("exec", "exec runs code in a workload"), "attach": into("attach", "attach joins a workload"), "port-forward": (*judge).forwards, "rsh": runs("runs code in a workload"), "rsync": runs("copies into or out of a workload"),
		"proxy": runs("proxy opens the whole API to others"), "cp": runs("cp runs tar in a workload"), "debug": runs("debug runs code beside a workload or on a node"), "run": runs("run starts a workload"),
		"delete": (*judge).deletesLine, "apply": (*judge).opaque, "create": (*judge).creates, "replace": (*judge).opaque, "patch": (*judge).patches, "edit": (*judge).edits,
		"label": (*judge).edits, "annotate": (*judge).edits, "set": (*judge).sets, "expose": (*judge).edits, "autoscale": (*judge).edits, "scale": (*judge).scales,
		"rollout": (*judge).rollout, "drain": (*judge).nodes, "cordon": (*judge).nodes, "uncordon": (*judge).nodes, "taint": (*judge).nodes,
		"auth": (*judge).auth, "certificate": (*judge).rightsLine, "adm": (*judge).rightsLine, "policy": (*judge).rightsLine, "login": (*judge).rightsLine, "whoami": (*judge).tops,
		"config": (*judge).config, "kustomize": (*judge).tops, "convert": (*judge).tops, "cluster-info": (*judge).clusterInfo, "plugin": (*judge).plugin,
	}
}
