package policy

import (
	"maps"
	"slices"
	"time"
)

// words is a set of the words that rules are made of, one bit each: a class or an
// action.
type words uint16

const (
	wordSQL words = 1 << (Dangerous + 1 + iota)
	wordExec
	wordHTTP
	wordKubernetes
	wordShell
	wordUnmask
	wordForward
	wordFile
)

// wordUnknown is the one word that speaks of operations that nobody could judge.
const wordUnknown words = 1 << Unknown

// wordClasses are the words of all classes.
const wordClasses words = 1<<Read | 1<<Write | 1<<DDL | 1<<Privilege | 1<<Dangerous | wordUnknown

const everyWord = wordClasses | wordSQL | wordExec | wordHTTP | wordKubernetes | wordShell | wordUnmask | wordForward | wordFile

// wordClassless are the words of actions whose operations have no class: rules
// speak of them by the action alone.
const wordClassless = wordShell | wordUnmask | wordForward

// wordList is every word in the order in which people read them.
var wordList = []struct {
	text string
	bit  words
}{
	{Read.String(), 1 << Read},
	{Write.String(), 1 << Write},
	{DDL.String(), 1 << DDL},
	{Privilege.String(), 1 << Privilege},
	{Dangerous.String(), 1 << Dangerous},
	{Unknown.String(), wordUnknown},
	{string(ActionSQL), wordSQL},
	{string(ActionExec), wordExec},
	{string(ActionHTTP), wordHTTP},
	{string(ActionKubernetes), wordKubernetes},
	{string(ActionFile), wordFile},
	{string(ActionShell), wordShell},
	{string(ActionUnmask), wordUnmask},
	{string(ActionForward), wordForward},
}

// severity is the classes from the least severe to the most, without unknown.
var severity = []Class{Read, Write, DDL, Privilege, Dangerous}

// actions are the actions that rules have words for: the word, and what people
// call many operations of that action.
var actions = map[Action]struct {
	bit  words
	many string
}{
	ActionSQL:        {wordSQL, "statements"},
	ActionExec:       {wordExec, "commands"},
	ActionHTTP:       {wordHTTP, "requests"},
	ActionKubernetes: {wordKubernetes, "Kubernetes calls"},
	ActionFile:       {wordFile, "file operations"},
	ActionShell:      {wordShell, "interactive shells"},
	ActionUnmask:     {wordUnmask, "cleartexts of masked columns"},
	ActionForward:    {wordForward, "port forwards"},
}

// wordsOf are the words that speak of an operation: its class and its action. An
// operation of class unknown has the word unknown alone, so that no rule matches
// it that does not say so; a shell, a forward and a look at cleartext have no class. An action that the language has
// no word for has none, and so nothing can allow it.
func wordsOf(a Action, c Class) words {
	bit := wordOf(a)
	switch {
	case bit == 0 || bit&wordClassless != 0:
		return bit
	case c == Unknown || c > Dangerous:
		return wordUnknown
	}
	return bit | 1<<c
}

// wordOf is an action's word. It is no look-up in a map: every decision makes it.
func wordOf(a Action) words {
	switch a {
	case ActionSQL:
		return wordSQL
	case ActionExec:
		return wordExec
	case ActionHTTP:
		return wordHTTP
	case ActionKubernetes:
		return wordKubernetes
	case ActionFile:
		return wordFile
	case ActionShell:
		return wordShell
	case ActionUnmask:
		return wordUnmask
	case ActionForward:
		return wordForward
	}
	return 0
}

// parseWord returns no word for a text that is none.
func parseWord(s string) words {
	for _, w := range wordList {
		if w.text == s {
			return w.bit
		}
	}
	return 0
}

// Words are the words that rules are made of, in the order in which people read
// them.
func Words() []string {
	var all []string
	for _, w := range wordList {
		all = append(all, w.text)
	}
	return all
}

// texts are the words of a set.
func (ws words) texts() []string {
	var all []string
	for _, w := range wordList {
		if ws&w.bit != 0 {
			all = append(all, w.text)
		}
	}
	return all
}

// operations is a set of sorts of operations, one bit each.
type operations uint64

// operations are all that one of the words speaks of, in any kind of resource.
func (ws words) operations() (all operations) {
	for n, o := range everyOperation {
		if o.words&ws != 0 {
			all |= 1 << n
		}
	}
	return all
}

// everyOperation is every sort of operation of the language.
var everyOperation = operationsOf([]Action{ActionSQL, ActionExec, ActionHTTP, ActionKubernetes, ActionFile, ActionShell, ActionUnmask, ActionForward})

// operation is one sort of thing that can be asked of a kind of resource.
type operation struct {
	action Action
	class  Class
	words  words
	// what and many name it: for a table, and in a sentence.
	what, many string
}

// operationsOf is every sort of operation of a kind with these actions, by the
// actions' order and then by severity. The first action's operations are named by
// their class alone; those of another, by action and class. What cannot be judged
// is named once, since it is judged alike whatever the action.
func operationsOf(list []Action) []operation {
	var all []operation
	judged := false
	for _, a := range list {
		bit, many := actions[a].bit, actions[a].many
		if bit == 0 {
			continue
		}
		if bit&wordClassless != 0 {
			all = append(all, operation{a, Unknown, bit, string(a), many})
			continue
		}
		for _, c := range severity {
			what := c.String()
			if a != list[0] {
				what = string(a) + " " + what
			}
			all = append(all, operation{a, c, bit | 1<<c, what, manyOf(c, many)})
		}
		if !judged {
			all = append(all, operation{a, Unknown, wordUnknown, Unknown.String(), "operations that cannot be judged (unknown)"})
			judged = true
		}
	}
	return all
}

// manyOf names the operations of a class.
func manyOf(c Class, many string) string {
	switch c {
	case Read:
		return "reading " + many
	case Write:
		return "writing " + many
	case DDL:
		return many + " that change structure (ddl)"
	case Privilege:
		return many + " that change privileges"
	}
	return "dangerous " + many
}

// possible are the operations of a kind with these actions, and the words that
// can speak of them. Where there are statements, there may be masked columns in
// their answers.
func possible(list []Action) (ops operations, ws words) {
	for n, o := range everyOperation {
		if slices.Contains(list, o.action) || o.action == ActionUnmask && slices.Contains(list, ActionSQL) || o.words == wordUnknown && slices.ContainsFunc(list, func(a Action) bool { return wordOf(a)&wordClassless == 0 }) {
			ops |= 1 << n
			ws |= o.words
		}
	}
	return ops, ws
}

// methods are the masking methods, strictest first: redact shows a fixed text,
// null shows that nothing is shown, hash which values are equal, token that and
// their shape, partial their own last digits.
var methods = []string{"redact", "null", "hash", "token", "partial"}

// predicates are what may be asked about masked columns, strictest first.
var predicates = []string{"deny", "equality", "allow"}

// keeps are what a transcript may keep of answers.
var keeps = []string{KeepFull.String(), KeepDigest.String()}

// Methods are the masking methods, strictest first.
func Methods() []string { return slices.Clone(methods) }

// Predicates are what a mask may say about predicates, strictest first.
func Predicates() []string { return slices.Clone(predicates) }

// Vocabulary is the words that a policy may use beside those of the language:
// what the program and the site at hand know. The zero value knows DefaultKinds
// and DefaultDetectors; what it does not know otherwise (nil) is not checked.
type Vocabulary struct {
	// Kinds are the kinds of resources and what can be asked of each.
	Kinds map[string][]Action
	// Detectors are the names of the content detectors.
	Detectors []string
	// Groups are the groups that there are.
	Groups []string
	// Claims are the names of the claims that sign-ins keep.
	Claims []string
	// Resources are the resources that there are. Policies are checked against
	// their labels, and made quick for them.
	Resources []Resource
}

// DefaultKinds are the kinds that the language knows, and what can be asked of
// each, the usual first. A kind need not have a driver in this binary.
func DefaultKinds() map[string][]Action {
	return map[string][]Action{
		"postgres":   {ActionSQL},
		"mysql":      {ActionSQL},
		"clickhouse": {ActionSQL},
		"mssql":      {ActionSQL},
		"sqlite":     {ActionSQL},
		"redis":      {ActionSQL},
		"mongodb":    {ActionSQL},
		"ssh":        {ActionExec, ActionFile, ActionShell, ActionForward},
		"kubernetes": {ActionKubernetes, ActionExec, ActionFile, ActionShell, ActionForward},
		"http":       {ActionHTTP},
		"command":    {ActionExec},
	}
}

// DefaultDetectors are the names of the detectors that package mask has.
func DefaultDetectors() []string {
	return []string{"card", "email", "ssn", "phone", "iban", "ipv4", "ipv6", "aws_key_id", "aws_secret_key", "github_token", "jwt",
		"pem_private_key", "slack_token", "stripe_key", "gcp_key", "url_password", "secret"}
}

// limits of what a policy may say.
const (
	defaultWait = 15 * time.Minute
	minWait     = time.Second
	maxWait     = 7 * 24 * time.Hour
	maxNeed     = 20
	maxName     = 64
	maxText     = 500
)

func (v Vocabulary) fill() Vocabulary {
	if v.Kinds == nil {
		v.Kinds = DefaultKinds()
	}
	if v.Detectors == nil {
		v.Detectors = DefaultDetectors()
	}
	return v
}

func (v Vocabulary) kindNames() []string { return slices.Sorted(maps.Keys(v.Kinds)) }

// labelKeys are the keys of the resources' labels; nil where no resources are
// known.
func (v Vocabulary) labelKeys() []string {
	if v.Resources == nil {
		return nil
	}
	keys := map[string]bool{}
	for _, r := range v.Resources {
		for k := range r.Labels {
			keys[k] = true
		}
	}
	all := slices.Sorted(maps.Keys(keys))
	if all == nil {
		all = []string{}
	}
	return all
}
