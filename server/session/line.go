package session

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

const kindKubernetes = "kubernetes"

// Spelled is a text as it is judged at this kind of resource, as an action or "": a
// line for a cluster may leave kubectl out.
func (t Target) Spelled(action policy.Action, text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if t.Kind != kindKubernetes || action == policy.ActionFile || first == "" || first == "kubectl" || strings.Trim(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return text
	}
	return "kubectl " + text
}

// lineAction is what a line of kubectl is when it runs: programs in containers are
// commands, or shells where they have a terminal; a way to a pod's port is a forward;
// all else are requests.
func lineAction(text string) policy.Action {
	words := strings.Fields(text)
	if i := slices.Index(words, "--"); i >= 0 {
		words = words[:i]
	}
	switch {
	case len(words) == 0 || words[0] != "kubectl":
		return policy.ActionKubernetes
	case slices.Contains(words, "attach"):
		return policy.ActionShell
	case slices.Contains(words, "port-forward"):
		return policy.ActionForward
	case !slices.Contains(words, "exec"):
		return policy.ActionKubernetes
	case slices.ContainsFunc(words, func(w string) bool { return w == "-t" || w == "-it" || w == "-ti" || w == "--tty" }):
		return policy.ActionShell
	}
	return policy.ActionExec
}
