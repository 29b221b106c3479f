package kubernetes

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// job is one line of kubectl on its way: words that are brought into requests.
type job struct {
	c     *Conn
	ctx   context.Context // of this one call
	g     connectors.Guard
	verb  string
	f     flags
	words []string // behind the verb
	after []string // behind --
	term  connectors.Terminal
	out   io.Writer
}

// command is a verb that is done here: its options, and what it does.
type command struct {
	flags string // those that take no value; "(" begins those that do
	run   func(*job) error
}

// everywhere are the options of every verb.
const everywhere = "-h --help ( -n --namespace --request-timeout"

// commands is the list of verbs.
func commands() map[string]command {
	return map[string]command{
		"get":           {"-A --all-namespaces -w --watch --no-headers --show-labels ( -o --output -l --selector --field-selector", (*job).get},
		"describe":      {"-A --all-namespaces ( -l --selector", (*job).describe},
		"events":        {"-A --all-namespaces -w --watch --no-headers ( --for", (*job).events},
		"logs":          {"-f --follow --timestamps -p --previous ( --tail -c --container --since --limit-bytes", (*job).logs},
		"exec":          {"-i --stdin -t --tty -it -ti ( -c --container", (*job).exec},
		"attach":        {"-i --stdin -t --tty -it -ti ( -c --container", (*job).exec},
		"apply":         {"--server-side --force-conflicts ( -f --filename --dry-run --field-manager -o --output", (*job).apply},
		"create":        {"( -f --filename --dry-run -o --output", (*job).create},
		"delete":        {"--all --now --force --ignore-not-found ( -l --selector --grace-period --cascade --dry-run --wait -f --filename", (*job).delete},
		"scale":         {"( --replicas --dry-run", (*job).scale},
		"patch":         {"( -p --patch --type --subresource --dry-run", (*job).patch},
		"label":         {"--overwrite ( --dry-run", (*job).marks},
		"annotate":      {"--overwrite ( --dry-run", (*job).marks},
		"rollout":       {"( --watch -w --timeout --to-revision --dry-run", (*job).rollout},
		"cordon":        {"( --dry-run", (*job).cordon},
		"uncordon":      {"( --dry-run", (*job).cordon},
		"port-forward":  {"", (*job).portForward},
		"api-resources": {"--no-headers ( --api-group --namespaced", (*job).apiResources},
		"version":       {"( -o --output", (*job).version},
		"auth":          {"--list -q --quiet ( --subresource", (*job).auth},
	}
}

// verbNames are the verbs, for people.
func verbNames() string {
	var names []string
	for n := range commands() {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func wrong(format string, args ...any) error {
	return &connectors.LineError{Text: fmt.Sprintf(format, args...)}
}

// Command does what a line of kubectl says: by requests that are judged, masked
// and recorded one by one, and by programs in containers.
func (c *Conn) Command(ctx context.Context, g connectors.Guard, words []string, t connectors.Terminal) (connectors.Exit, error) {
	l, do, err := c.parse(words)
	if err != nil {
		return connectors.Exit{}, err
	}
	l.ctx, l.g, l.term, l.out = ctx, g, t, t.Stdio.Out
	err = do.run(l)
	var exit exitCode
	if asExit(err, &exit) {
		return connectors.Exit(exit), nil
	}
	return connectors.Exit{}, err
}

// exitCode ends a line with a code of its own.
type exitCode connectors.Exit

func (exitCode) Error() string { return "exit" }

// parse reads the words by the parser that judges lines, and refuses every option
// that would not be followed.
func (c *Conn) parse(words []string) (*job, command, error) {
	if len(words) > 0 && words[0] == "kubectl" {
		words = words[1:]
	}
	f, operands, after := parseLine(apart(words))
	if len(operands) == 0 {
		return nil, command{}, wrong("a verb is needed: %s", verbNames())
	}
	do, ok := commands()[operands[0]]
	if operands[0] == "cp" {
		return nil, command{}, wrong("cp is scp here: scp BASTION:CLUSTER/NAMESPACE/POD/CONTAINER/PATH FILE, or the other way round")
	}
	if !ok {
		return nil, command{}, wrong("%q is not done here: there are %s", operands[0], verbNames())
	}
	switches, valuedHere := options(everywhere + " " + do.flags)
	for name, values := range f {
		switch {
		case !switches[name] && !valuedHere[name]:
			return nil, command{}, wrong("%s has no option %s here", operands[0], name)
		case valuedHere[name] && slices.Contains(values, "") && name != "-l" && name != "--selector" && name != "--dry-run" && name != "--wait" && name != "--watch" && name != "-w" && name != "--namespaced":
			return nil, command{}, wrong("%s needs a value", name)
		case switches[name] && slices.ContainsFunc(values, func(v string) bool { return v != "" && v != "true" && v != "false" }):
			return nil, command{}, wrong("%s is true or false", name)
		}
	}
	if len(after) > 0 && operands[0] != "exec" {
		return nil, command{}, wrong("%s takes no words behind --", operands[0])
	}
	l := &job{c: c, verb: operands[0], f: f, words: operands[1:], after: after}
	if ns := f.last("-n", "--namespace"); ns != "" && !plainName(ns) {
		return nil, command{}, wrong("%q is no namespace", ns)
	}
	return l, do, nil
}

// apart takes joined switches of one letter apart, as kubectl reads them: -it.
func apart(words []string) []string {
	var out []string
	for i, w := range words {
		if w == "--" {
			return append(out, words[i:]...)
		}
		if w == "-it" || w == "-ti" {
			out = append(out, "-i", "-t")
			continue
		}
		out = append(out, w)
	}
	return out
}

func options(text string) (switches, valued map[string]bool) {
	switches, valued = map[string]bool{}, map[string]bool{}
	to := switches
	for _, w := range strings.Fields(text) {
		switch {
		case w == "(":
			to = valued
		case to[w] || !strings.HasPrefix(w, "-"):
		default:
			to[w] = true
		}
		if w == "--request-timeout" { // the end of those that every verb has
			to = switches
		}
	}
	return switches, valued
}

func (l *job) on(names ...string) bool { return l.f.on(names...) }

// namespace is the one that the line is about; "" is all.
func (l *job) namespace() string {
	if l.on("-A", "--all-namespaces") {
		return ""
	}
	if ns := l.f.last("-n", "--namespace"); ns != "" {
		return ns
	}
	return l.c.namespace
}

// ask sends a request and holds its answer.
func (l *job) ask(r request) ([]byte, error) {
	a := &answer{}
	err := l.send(r, a)
	return a.held.Bytes(), err
}

// send sends a request. An answer that says no is a *connectors.TargetError with
// the reason as its code.
func (l *job) send(r request, a *answer) error {
	if err := l.c.Request(l.ctx, l.g, r.text(), a); err != nil {
		return err
	}
	return a.err()
}

// object is a thing that the line names.
type object struct {
	kind kind
	name string // "" is all of the kind
}

// objects reads TYPE NAME..., TYPE/NAME..., TYPE,TYPE.
func (l *job) objects(words []string) ([]object, error) {
	if len(words) == 0 {
		return nil, wrong("it must be said of what: pods, deploy/web, ...")
	}
	kinds, err := l.c.discover(l.ctx, l.g)
	if err != nil {
		return nil, err
	}
	var out []object
	add := func(word, name string) error {
		for w := range strings.SplitSeq(word, ",") {
			found := ofWord(kinds, w)
			if len(found) == 0 {
				return wrong("the cluster knows no %q: api-resources lists what it knows", w)
			}
			for _, k := range found {
				out = append(out, object{k, name})
			}
		}
		return nil
	}
	if strings.Contains(words[0], "/") {
		for _, w := range words {
			word, name, ok := strings.Cut(w, "/")
			if !ok || name == "" || strings.Contains(name, "/") {
				return nil, wrong("%q is not TYPE/NAME", w)
			}
			if err := add(word, name); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	names := words[1:]
	if len(names) == 0 {
		names = []string{""}
	}
	for _, n := range names {
		if err := add(words[0], n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ofWord are the kinds of a word: one, or those of a category (all).
func ofWord(kinds []kind, word string) []kind {
	if k, ok := named(kinds, word); ok {
		return []kind{k}
	}
	var out []kind
	for _, k := range kinds {
		if slices.Contains(k.categories, word) && slices.Contains(k.verbs, "list") {
			out = append(out, k)
		}
	}
	return out
}

// one reads TYPE NAME or TYPE/NAME.
func (l *job) one(words []string) (object, error) {
	all, err := l.objects(words)
	if err != nil {
		return object{}, err
	}
	if len(all) != 1 || all[0].name == "" {
		return object{}, wrong("one object is needed: TYPE/NAME")
	}
	return all[0], nil
}

// at is the object's path.
func (l *job) at(o object) string { return o.kind.object(l.namespace(), o.name) }

func (l *job) print(format string, args ...any) error {
	_, err := fmt.Fprintf(l.out, format, args...)
	return err
}
