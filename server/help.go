package server

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// helpFlag asks for a verb's help wherever a flag of it may stand.
var helpFlags = map[string]bool{"--help": true, "-h": true}

// flagWords say what each flag does; one of a verb's own is written "verb --flag".
var flagWords = map[string]string{
	"--json":          "JSON: one object, one array, or one object a line; nothing in it can drive a terminal",
	"--csv":           "RFC 4180, with a head; null is an empty field",
	"--raw":           "the bytes as they are: for scripts, not for a terminal",
	"--reason":        "why, for whom the rule has asked, and for the record",
	"--wait":          "how long to wait for a yes: 10m; 0 asks and does not wait; by default as long as the rule says",
	"--unmask":        "ask to see these masked columns of this one answer in clear: email,phone",
	"--dry-run":       "print the argv that would run, and run nothing",
	"-H":              "a header field, 'Name: value'; may be given again",
	"--data":          "the body; @- reads it from stdin",
	"--include":       "the head of the answer, too",
	"--no-fail":       "end with 0 also when the status is 400 or above",
	"--shell":         "ask about the shell of a host",
	"--file":          "ask about an operation on a file: read /PATH, write, delete, list, stat",
	"--comment":       "what the requester reads with it",
	"--person":        "of this person: e-mail or subject",
	"--resource":      "on this resource",
	"--kind":          "on resources of this kind",
	"--label":         "on resources with this label: env=prod",
	"--what":          "in this kind of text: statement, command, input, output, answer, note, gate",
	"--since":         "from then on: 30m, 2d, 2026-01-31",
	"--until":         "until then",
	"--verdict":       "of operations that the gate judged so: allow, deny, approve",
	"--rule":          "of operations that this rule decided: role/rule",
	"--destructive":   "of operations that destroy",
	"--limit":         "at most so many",
	"--screen":        "the screen of a shell at that moment",
	"--export":        "all of it, for use elsewhere: text, asciicast, cast2, operations, bundle",
	"--release":       "end the hold",
	"--policy":        "a whole configuration, read from stdin: --policy - < FILE; by default the one in force",
	"approvals --all": "those that are over, too",
	"watch --all":     "from the session's start",
	"exec --json":     streamsJSON,
	"run --json":      streamsJSON + "; with --dry-run the argv",
	"kube --json":     streamsJSON + "; for objects: -- get ... -o json",
	"policy --since":  "how far back: 30d, 12h; by default 30d",
	"end --reason":    "what the person whose session ends reads, and the record keeps",
	"watch --reason":  readReason,
	"replay --reason": readReason,
	"hold --reason":   "why; it stands in the log in clear",
}

const (
	streamsJSON = `its streams as they come, an object a line: {"stdout": TEXT}, {"stderr": TEXT} (stdout_base64 where it is no text), at last {"exit": CODE}`
	readReason  = "why you look at another's; for the record, and needed where a role says so"
)

// exitCodes is the table of verbs' exit codes.
var exitCodes = []struct {
	Code  int    `json:"code"`
	Means string `json:"means"`
}{
	{exitOK, "done"},
	{exitTarget, "the target reported an error, or could not be reached; a status of 400 and above"},
	{exitUsage, "the command line is wrong"},
	{exitSignIn, "sign in first, or the sign-in failed"},
	{exitRefused, "refused by a rule, denied by a person, expired, or there is nothing of that name for you"},
	{exitBastion, "the bastion's own trouble, or ssh's: no connection"},
}

const passedCodes = "exec, run, shell and kube ... exec end with the target's own code; a signal there is 128."

// help prints the list, or what there is to say of one word.
func (c *call) help() error {
	word := c.operand(0)
	if len(c.operands) > 1 {
		return usageError("help takes one word: a verb, a kind or a topic")
	}
	if word == "" {
		return c.helpAll()
	}
	if i := slices.IndexFunc(verbs(), func(v verb) bool { return v.name == word }); i >= 0 {
		return c.helpVerb(&verbs()[i])
	}
	if word == "exit" || word == "codes" {
		if c.flags["--json"] != "" {
			return c.json(exitCodes)
		}
		printCodes(c.out)
		return nil
	}
	if t := topicOf(word); t != nil {
		return c.helpTopic(*t)
	}
	return usageError(fmt.Sprintf("there is no help on %q: `help` lists verbs, kinds and topics", printable(word)))
}

func (c *call) helpAll() error {
	if c.flags["--json"] != "" {
		return c.json(helpList{c.a.s.o.Name, c.a.s.o.Reach, verbRows(), exitCodes, topics})
	}
	fmt.Fprintf(c.out, "%s: a guarded door to what you may reach.\n\nssh %s           the screens\nssh %s VERB ...  one of these; `help VERB` says more:\n\n",
		printable(c.a.s.o.Name), c.a.s.o.Reach, c.a.s.o.Reach)
	for _, v := range verbs() {
		fmt.Fprintf(c.out, "  %s\n      %s\n", v.usage, v.help)
	}
	fmt.Fprint(c.out, "\nstdout is data, stderr is talk. Words are split by POSIX quoting and never expanded: what has spaces\n"+
		"must reach the bastion in quotes, ssh ... \"sql db 'select 1' --reason 'two words'\".\n\n")
	printCodes(c.out)
	fmt.Fprint(c.out, "\nWhat the gate enforces, and what it cannot: `help KIND` or `help TOPIC`:\n ")
	for _, t := range topics {
		fmt.Fprint(c.out, " ", t.Name)
	}
	fmt.Fprint(c.out, "\n")
	return nil
}

func printCodes(w io.Writer) {
	fmt.Fprint(w, "Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(w, "  %3d  %s\n", e.Code, e.Means)
	}
	fmt.Fprintln(w, passedCodes)
}

// helpVerb prints a verb's usage, flags and exit codes.
func (c *call) helpVerb(v *verb) error {
	if c.flags["--json"] != "" {
		return c.json(verbRowOf(*v))
	}
	fmt.Fprintf(c.out, "usage: ssh %s %s\n\n%s.\n", c.a.s.o.Reach, v.usage, v.help)
	if flags := verbRowOf(*v).Flags; len(flags) > 0 {
		fmt.Fprintln(c.out)
		for _, f := range flags {
			fmt.Fprintf(c.out, "  %-22s %s\n", strings.TrimSpace(f.Flag+" "+strings.ToUpper(f.Value)), f.Help)
		}
	}
	if note := verbNotes[v.name]; note != "" {
		fmt.Fprintf(c.out, "\n%s\n", note)
	}
	fmt.Fprintln(c.out)
	printCodes(c.out)
	if t := topicOf(v.name); t != nil { // http is both
		fmt.Fprintln(c.out)
		return c.helpTopic(*t)
	}
	return nil
}

func topicOf(name string) *topic {
	if i := slices.IndexFunc(topics, func(t topic) bool { return t.Name == name }); i >= 0 {
		return &topics[i]
	}
	return nil
}

func (c *call) helpTopic(t topic) error {
	if c.flags["--json"] != "" {
		return c.json(t)
	}
	fmt.Fprintf(c.out, "%s: %s\n", t.Name, t.Title)
	for _, part := range []struct {
		head  string
		lines []string
	}{{"By:", t.Reached}, {"Enforced:", t.Enforced}, {"Not:", t.Not}} {
		if len(part.lines) == 0 {
			continue
		}
		fmt.Fprintf(c.out, "\n%s\n", part.head)
		for _, l := range part.lines {
			fmt.Fprintf(c.out, "  - %s\n", l)
		}
	}
	return nil
}

// helpList is all of help, as --json prints it.
type helpList struct {
	Name   string    `json:"name"`
	Reach  string    `json:"reach"`
	Verbs  []verbRow `json:"verbs"`
	Codes  any       `json:"exit_codes"`
	Topics []topic   `json:"topics"`
}

type verbRow struct {
	Verb  string    `json:"verb"`
	Usage string    `json:"usage"`
	Help  string    `json:"help"`
	Flags []flagRow `json:"flags"`
	Note  string    `json:"note,omitempty"`
	Topic *topic    `json:"topic,omitempty"`
}

type flagRow struct {
	Flag  string `json:"flag"`
	Value string `json:"value,omitempty"`
	Help  string `json:"help"`
}

func verbRows() []verbRow {
	var rows []verbRow
	for _, v := range verbs() {
		rows = append(rows, verbRowOf(v))
	}
	return rows
}

func verbRowOf(v verb) verbRow {
	row := verbRow{Verb: v.name, Usage: v.usage, Help: v.help, Flags: []flagRow{}, Note: verbNotes[v.name], Topic: topicOf(v.name)}
	for name, value := range v.flags {
		words, ok := flagWords[v.name+" "+name]
		if !ok {
			words = flagWords[name]
		}
		row.Flags = append(row.Flags, flagRow{name, value, words})
	}
	slices.SortFunc(row.Flags, func(a, b flagRow) int { return strings.Compare(a.Flag, b.Flag) })
	return row
}
