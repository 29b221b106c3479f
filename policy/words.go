package policy

import (
	"maps"
	"slices"
	"time"
)

// words is a set of the words that rules are made of, one bit each: a class for
// SQL statements, exec, shell.
type words uint16

const (
	wordExec  words = 1 << (Dangerous + 1)
	wordShell words = 1 << (Dangerous + 2)
)

// wordList is every word in the order in which people read them.
var wordList = []struct {
	text string
	bit  words
	// many is what a rule about the word speaks of.
	many string
}{
	{Read.String(), 1 << Read, "reads"},
	{Write.String(), 1 << Write, "writes"},
	{DDL.String(), 1 << DDL, "changes of structure (ddl)"},
	{Privilege.String(), 1 << Privilege, "changes of privileges"},
	{Dangerous.String(), 1 << Dangerous, "dangerous statements"},
	{Unknown.String(), 1 << Unknown, "statements that cannot be judged (unknown)"},
	{string(ActionExec), wordExec, "commands"},
	{string(ActionShell), wordShell, "interactive shells"},
}

const everyWord = wordSQL | wordExec | wordShell
const wordSQL words = 1<<Read | 1<<Write | 1<<DDL | 1<<Privilege | 1<<Dangerous | 1<<Unknown

// wordOf is the one word that speaks of an operation; none for an action that
// the language has no word for, which therefore nothing can allow.
func wordOf(a Action, c Class) words {
	switch a {
	case ActionSQL:
		if c > Dangerous {
			c = Unknown
		}
		return 1 << c
	case ActionExec:
		return wordExec
	case ActionShell:
		return wordShell
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

func wordTexts() []string {
	var all []string
	for _, w := range wordList {
		all = append(all, w.text)
	}
	return all
}

// wordsOf are the words that can speak of a kind with these actions.
func wordsOf(actions []Action) words {
	var ws words
	for _, a := range actions {
		switch a {
		case ActionSQL:
			ws |= wordSQL
		case ActionExec:
			ws |= wordExec
		case ActionShell:
			ws |= wordShell
		}
	}
	return ws
}

// methods are the masking methods, strictest first: redact shows a fixed text,
// null shows that nothing is shown, partial shows digits.
var methods = []string{"redact", "null", "partial"}

// Vocabulary is the words that a policy may use beside those of the language:
// what the program at hand knows of kinds and detectors. The zero value knows
// DefaultKinds and DefaultDetectors.
type Vocabulary struct {
	// Kinds are the kinds of resources and what can be asked of each.
	Kinds map[string][]Action
	// Detectors are the names of the content detectors.
	Detectors []string
}

// DefaultKinds are the kinds that this version has drivers for.
func DefaultKinds() map[string][]Action {
	return map[string][]Action{
		"postgres": {ActionSQL},
		"sqlite":   {ActionSQL},
		"ssh":      {ActionExec, ActionShell},
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
