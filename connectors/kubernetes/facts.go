package kubernetes

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/policy"
)

const maxWhy = 6

// Facts judges a call: a request ("GET /api/v1/...", headers, an empty line, a
// body) or a line of kubectl. It never fails: what cannot be judged is Unknown
// and says why.
func Facts(text string) policy.Facts {
	word, _, _ := strings.Cut(strings.TrimLeft(text, " \t\n"), " ")
	if word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		r, err := http.Parse(strings.TrimLeft(text, " \t\n"))
		if err != nil {
			return policy.Facts{Class: policy.Unknown, Opaque: true, Why: err.Error()}
		}
		return Request(r)
	}
	argv, ok := shellfacts.Simple(text)
	if !ok || !isKubectl(argv[0]) {
		return lineFacts(text)
	}
	return Kubectl(argv[1:])
}

func isKubectl(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return slices.Contains([]string{"kubectl", "oc", "k"}, name)
}

// lineFacts judges a command line around kubectl as a shell would run it, and each
// kubectl in it, whose whole words are known, in the API's words too.
func lineFacts(text string) policy.Facts {
	f := shellfacts.Facts(text)
	for _, c := range f.Commands {
		if !isKubectl(c.Name) {
			continue
		}
		k := Kubectl(c.Args)
		if k.Class.Severity() > f.Class.Severity() {
			f.Why = k.Why
		}
		f.Class = policy.Worst(f.Class, k.Class)
		f.Destructive = f.Destructive || k.Destructive
		f.Opaque = f.Opaque || k.Opaque
		if f.Kubernetes == nil {
			f.Kubernetes = k.Kubernetes
		}
	}
	return f
}

// judge collects what is found in one call.
type judge struct {
	call        policy.KubernetesCall
	class       policy.Class
	destructive bool
	fetches     bool // a manifest from elsewhere
	credential  bool // secrets are among what is asked for
	why         []string
}

func (j *judge) raise(c policy.Class, why string) {
	if c.Severity() > j.class.Severity() {
		j.why = slices.Insert(j.why, 0, why)
	} else if c != policy.Read {
		j.why = append(j.why, why)
	}
	j.class = policy.Worst(j.class, c)
}

func (j *judge) destroys(why string) {
	j.destructive = true
	j.raise(policy.Write, why)
}

// nothing changes: a dry run.
func (j *judge) dry() {
	if j.class == policy.Write || j.class == policy.DDL {
		j.class = policy.Read
		j.why = nil
	}
	j.destructive = false
}

// tried are kubectl's verbs that take --dry-run.
var tried = set("annotate apply autoscale cordon create delete drain expose label patch replace rollout run scale set taint uncordon")

// tries judges a line of kubectl that only tries what it says: nothing changes.
// What it answers is what was asked for, so that credentials stay credentials.
func (j *judge) tries(verb string) {
	if tried[verb] && !j.credential && j.class != policy.Unknown && !j.fetches {
		j.class, j.why = policy.Read, nil
	}
	j.dry()
}

func (j *judge) facts(verb string) policy.Facts {
	var why []string
	for _, w := range j.why {
		if w != "" && !slices.Contains(why, w) && len(why) < maxWhy {
			why = append(why, w)
		}
	}
	call := j.call
	return policy.Facts{
		Class: j.class, Verb: verb, Destructive: j.destructive, Why: strings.Join(why, "; "),
		Opaque: j.class == policy.Unknown, Statements: 1, Kubernetes: &call,
	}
}
