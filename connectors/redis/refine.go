package redis

import (
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// refine tells what options make of a command.
func (j *judged) refine() {
	f := &j.facts
	switch j.cmd.name {
	case "SET":
		j.set()
	case "HSCAN", "SSCAN", "ZSCAN":
		// MATCH is about members: which are there would tell what is in them. Of a hash it
		// is about fields.
		takes := map[string]int{"COUNT": 1}
		if j.cmd.name == "HSCAN" {
			takes["MATCH"] = 1
		}
		j.told(2, takes, j.cmd.name+" chooses by values, or answers in another form")
	case "XRANGE", "XREVRANGE":
		j.told(3, map[string]int{"COUNT": 1}, j.cmd.name+" answers in another form")
	case "HRANDFIELD":
		switch {
		case len(j.rest) == 3 && strings.EqualFold(j.rest[2], "WITHVALUES"):
			j.answer = hash
		case len(j.rest) <= 2:
			j.answer = nothing
		}
	case "ZRANGE", "ZREVRANGE":
		// By place alone; by score and by member they choose by values.
		if _, a := integer(j.rest, 1); !a || !isInteger(j.rest, 2) || !j.only(3, "WITHSCORES", "REV") {
			break
		}
		j.answer = scored
	case "ZREMRANGEBYRANK":
		j.all(at(j.rest, 1) == "0" && at(j.rest, 2) == "-1")
	case "ZREMRANGEBYSCORE":
		j.all(strings.EqualFold(at(j.rest, 1), "-inf") && strings.EqualFold(strings.TrimPrefix(at(j.rest, 2), "+"), "inf"))
	case "ZREMRANGEBYLEX":
		j.all(at(j.rest, 1) == "-" && at(j.rest, 2) == "+")
	case "LTRIM":
		from, okFrom := integer(j.rest, 1)
		to, okTo := integer(j.rest, 2)
		j.all(okFrom && okTo && from > to && (from < 0) == (to < 0))
	case "XTRIM":
		j.all(at(j.rest, len(j.rest)-1) == "0" || j.has(1, "MINID"))
	case "SORT", "SORT_RO":
		j.sort()
	case "GEORADIUS", "GEORADIUSBYMEMBER":
		if len(j.keys) > 1 {
			f.Copies, f.Form = true, j.cmd.name+" STORE"
		}
	case "FUNCTION RESTORE":
		if j.has(1, "FLUSH") {
			f.Destructive, f.Why = true, "it deletes all functions first"
		}
	case "PUBLISH", "SPUBLISH":
		// Sentinels take each other's word over __sentinel__:hello for where the server is.
		if strings.HasPrefix(at(j.rest, 0), "__") {
			f.Class, f.Why = policy.Dangerous, "the channel is the servers' own: who is heard on it can tell where the data is"
		}
	case "CONFIG GET":
		if name := secretSetting(j.rest); name != "" {
			j.cannot = "it would show " + name + ", a secret of the server: name the settings, without patterns"
		}
	}
}

// told gives up what the answer's form promises where there are other options.
func (j *judged) told(from int, takes map[string]int, why string) {
	if len(j.rest) < from || options(j.rest[from:], takes, func(string, []string) {}) != nil {
		j.answer, j.untraced = untold, why
	}
}

var setOptions = map[string]int{"NX": 0, "XX": 0, "GET": 0, "KEEPTTL": 0, "EX": 1, "PX": 1, "EXAT": 1, "PXAT": 1}

// set tells what SET answers. An option that is not known may compare values.
func (j *judged) set() {
	j.answer = nothing
	if len(j.rest) < 2 {
		return // the server says so
	}
	err := options(j.rest[2:], setOptions, func(word string, _ []string) {
		if word == "GET" {
			j.answer, j.keys[0].read = value, true // of what was there, or null
		}
	})
	if err != nil {
		j.answer, j.untraced = untold, "SET cannot be traced: "+err.Error()
	}
}

// all marks the loss of all that is in a key.
func (j *judged) all(is bool) {
	if is {
		j.facts.Destructive, j.facts.Why = true, "it takes away all that is in the key"
	}
}

// sort tells what SORT reaches: with BY and GET, keys that no argument names.
func (j *judged) sort() {
	for _, k := range j.keys[1:] {
		if k.write {
			j.facts.Copies, j.facts.Form = true, "SORT STORE"
		}
	}
	_ = options(j.rest[1:], sortOptions, func(word string, values []string) {
		if word == "GET" && values[0] != "#" || word == "BY" && strings.Contains(values[0], "*") {
			j.facts.Opaque = true
			j.untraced = "SORT " + word + " reads keys that are made of values"
			j.facts.Why = j.untraced
		}
	})
}

// only reports whether all arguments from a place on are among the words.
func (j *judged) only(from int, words ...string) bool {
	for i := from; i < len(j.rest); i++ {
		found := false
		for _, w := range words {
			found = found || strings.EqualFold(j.rest[i], w)
		}
		if !found {
			return false
		}
	}
	return true
}

func at(args []string, i int) string {
	if i < 0 || i >= len(args) {
		return ""
	}
	return args[i]
}

func integer(args []string, i int) (int64, bool) {
	n, err := strconv.ParseInt(at(args, i), 10, 64)
	return n, err == nil
}

func isInteger(args []string, i int) bool { _, ok := integer(args, i); return ok }

// secretSettings hold passwords, or name files that do.
var secretSettings = []string{"requirepass", "masterauth", "primaryauth", "masteruser", "primaryuser", "tls-key-file-pass", "tls-client-key-file-pass"}

// secretSetting is the first of them that the patterns of CONFIG GET may show.
func secretSetting(patterns []string) string {
	for _, p := range patterns {
		p = strings.ToLower(p)
		for _, s := range secretSettings {
			// What is no plain name may match anything: [r]equirepass.
			if p == s || strings.ContainsAny(p, `*?[\`) && wild(p, s) {
				return s
			}
		}
	}
	return ""
}

// wild reports whether a pattern may match a name: by * and ? it is told exactly, and
// what has other signs may.
func wild(pattern, name string) bool {
	if strings.ContainsAny(pattern, `[\`) {
		return true
	}
	star, mark, p, i := -1, 0, 0, 0
	for i < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
