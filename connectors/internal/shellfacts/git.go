package shellfacts

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// gitReads are git's commands that only look, whatever their operands.
var gitReads = set(`status log show diff blame describe rev-parse rev-list ls-files ls-tree ls-remote shortlog cat-file count-objects
	diff-tree diff-index diff-files for-each-ref grep help version whatchanged name-rev merge-base show-ref show-branch verify-commit
	verify-tag verify-pack fsck cherry range-diff var check-ignore check-attr annotate reflog check-ref-format get-tar-commit-id request-pull`)

// gitLists look when they stand alone, or with one of the words or options.
var gitLists = map[string][]string{
	"branch": {"-a", "-r", "-v", "-vv", "--list", "-l", "--show-current", "--contains", "--merged", "--no-merged", "--all", "--remotes", "-av", "-avv"},
	"tag":    {"-l", "--list", "-n", "--contains", "--points-at"},
	"remote": {"-v", "show", "get-url", "--verbose"},
	"stash":  {"list", "show"}, "worktree": {"list"}, "submodule": {"status", "summary"}, "notes": {"list", "show"}, "bisect": {"log"}, "lfs": {"ls-files", "status"},
	"config": {"--get", "--list", "-l", "--get-all", "--get-regexp", "get", "list"}, "bundle": {"verify", "list-heads"}, "sparse-checkout": {"list"},
}

// gitRuns are options that make git run a program.
var gitRuns = []string{"--upload-pack", "--receive-pack", "--exec", "--open-files-in-pager", "--ext-diff", "--extcmd", "--config", "--template", "--gpg-sign", "--tool", "-O", "-x", "-u"}

func (c *call) git() {
	words := c.args
	for len(words) > 0 && strings.HasPrefix(words[0].text, "-") {
		switch o := words[0].text; {
		case o == "-C" || o == "--git-dir" || o == "--work-tree" || o == "--namespace":
			words = words[1:]
		case o == "-c" || strings.HasPrefix(o, "--config-env") || strings.HasPrefix(o, "--exec-path=") || strings.HasPrefix(o, "-c"):
			c.is(policy.Dangerous, "sets git's configuration, which can run programs")
			c.embedded(strings.Join(texts(c.args), " "))
			words = words[1:]
		}
		if len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return
	}
	if !words[0].known {
		c.unknown("what git does is only known when it runs")
		return
	}
	verb, rest := words[0].text, words[1:]
	for _, a := range rest {
		if a.option() && slices.ContainsFunc(gitRuns, a.begins) && !(verb == "push" && a.text == "-u") && !(verb == "clean" && !strings.HasPrefix(a.text, "--")) && !(verb == "add" && a.text == "-u") && !(verb == "log" && a.text == "-u") {
			c.is(policy.Dangerous, "git runs a program")
			c.embedded(strings.Join(texts(rest), " "))
		}
		if strings.Contains(a.text, "::") && !strings.Contains(a.text, "[") && verb != "log" && verb != "grep" && verb != "show" && verb != "commit" || strings.Contains(a.text, "-oProxyCommand") {
			c.is(policy.Dangerous, "git reaches the other side by a program")
		}
		if strings.HasPrefix(a.text, "--output") && gitReads[verb] {
			c.destroys(policy.Write, "git writes to a file")
		}
	}
	c.gitVerb(verb, rest)
}

func texts(args []arg) []string {
	var out []string
	for _, a := range args {
		out = append(out, a.text)
	}
	return out
}

func (c *call) gitVerb(verb string, rest []arg) {
	words := texts(rest)
	lists, some := gitLists[verb]
	switch {
	case slices.Contains(words, "--dry-run") && gitWrites[verb] && !slices.ContainsFunc(rest, func(a arg) bool { return !a.known }):
	case gitReads[verb]:
		if verb == "reflog" && (slices.Contains(words, "expire") || slices.Contains(words, "delete")) {
			c.destroys(policy.Write, "forgets history")
		}
	case some && (len(rest) == 0 && verb != "stash" || len(rest) > 0 && slices.ContainsFunc(words[:min(1, len(words))], func(w string) bool { return slices.Contains(lists, w) }) && !slices.ContainsFunc(words, gitDeletes)):
	case verb == "config" && len(rest) == 1 && !strings.HasPrefix(words[0], "-"):
	case verb == "config":
		c.is(policy.Dangerous, "changes git's configuration, which can run programs")
	case gitLoses(verb, words):
		c.destroys(policy.Write, "git "+verb+" loses work")
	case gitWrites[verb] || some:
		c.is(policy.Write, "git "+verb+" changes files or history")
	default:
		c.is(policy.Dangerous, "git "+verb+" may run anything")
	}
}

var gitWrites = set(`add commit push pull fetch merge rebase stash tag branch cherry-pick revert init clone mv apply am notes worktree remote switch update-ref
	update-index pack-refs repack format-patch archive bundle sparse-checkout checkout reset restore rm clean gc prune submodule`)

func gitDeletes(w string) bool {
	return w == "-d" || w == "-D" || w == "--delete" || w == "-m" || w == "-M" || w == "-f"
}

// gitLoses reports whether a command throws work or history away.
func gitLoses(verb string, words []string) bool {
	any := func(ws ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(ws, w) })
	}
	switch verb {
	case "reset":
		return any("--hard", "--merge")
	case "clean", "filter-branch", "filter-repo", "prune":
		return !any("-n", "--dry-run")
	case "checkout", "restore", "switch":
		return any("-f", "--force", ".", "--", "--discard-changes", "-C") || verb == "restore" && !any("--staged")
	case "push":
		return any("-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d", "--prune") || slices.ContainsFunc(words, func(w string) bool {
			return len(w) > 1 && (w[0] == ':' || w[0] == '+')
		})
	case "branch":
		return any("-D", "-M") || any("-f", "--force") && any("-d", "--delete")
	case "stash":
		return any("drop", "clear")
	case "rm":
		return any("-r", "-rf", "-f")
	case "worktree":
		return any("remove", "prune") && any("-f", "--force")
	case "gc":
		return any("--prune=now", "--aggressive")
	}
	return false
}
