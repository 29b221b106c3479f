package shellfacts

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// shell is sh, bash and the like: -c TEXT, a file, or their input.
func (c *call) shell() {
	options, rest := c.split("OoD", []string{"--init-file", "--rcfile"}, true)
	if has(options, "--init-file", "--rcfile") {
		c.unknown("a shell reads a file whose contents are not in the text")
	}
	if has(options, "--version", "--help", "--dump-strings") {
		return
	}
	switch {
	case has(options, "-n") && !has(options, "-c", "-s", "-i") && len(rest) > 0:
		// it only checks the syntax of a file
	case has(options, "-c"):
		c.shellText(rest)
	case has(options, "-s") || len(rest) == 0 || rest[0].text == "-" || rest[0].text == "/dev/stdin" && rest[0].from == nil:
		c.shellInput("a shell")
	case rest[0].from != nil:
		c.piped(c.s.fed(rest[0].from))
	default:
		c.unknown("runs a file whose contents are not in the text")
	}
}

// shellText judges the text of -c; the words after it are $0, $1 and so on.
func (c *call) shellText(rest []arg) {
	if len(rest) == 0 {
		return
	}
	if c.name == "fish" || strings.HasSuffix(c.name, "csh") {
		c.unknown(c.name + " has a language of its own")
		return
	}
	if rest[0].many {
		c.unknown("the text of a shell is only known when it runs")
		return
	}
	c.text(rest[0])
}

// shellInput is a shell that runs what it reads.
func (c *call) shellInput(what string) {
	if !c.in.set {
		c.unknown("starts " + what + " that runs what it reads")
		return
	}
	c.piped(c.in)
}

// piped judges what comes to a shell through a pipe, a file or a here-document.
func (c *call) piped(in feed) {
	switch {
	case in.known:
		c.is(policy.Dangerous, "a shell runs text that it is given")
		if strings.TrimSpace(in.text) != "" {
			c.text(known(in.text))
		}
	case in.fetched:
		c.is(policy.Dangerous, "runs what comes from the network")
	case in.file != "":
		c.unknown("runs a file whose contents are not in the text")
	default:
		c.is(policy.Dangerous, "a shell runs what another program writes")
	}
}

// harmlessModules are python -m modules that only read.
var harmlessModules = set("json.tool platform site sysconfig this calendar tabnanny")

// interpreter is python, perl and the like: their programs are opaque.
func (c *call) interpreter() {
	var codes []string
	for i, a := range c.args {
		switch {
		case len(c.args) == 1 && slices.Contains([]string{"-V", "-v", "--version", "-VV"}, a.text):
			return
		case a.text == "-m" && i+1 < len(c.args) && harmlessModules[c.args[i+1].text] && i == 0 && strings.HasPrefix(c.name, "python"):
			for _, f := range c.args[2:] {
				c.reads(f)
			}
			if len(operands(c.args[2:], nil)) > 1 {
				c.s.j.raise(policy.Write, "writes its second file")
			}
			return
		case a.known:
			codes = append(codes, a.text)
		default:
			codes = append(codes, a.text)
		}
	}
	if c.in.known {
		codes = append(codes, c.in.text)
	}
	code := strings.Join(codes, "\n")
	words := c.name + " runs a program of its own, which is not judged"
	if len(c.args) == 0 && !c.in.set {
		c.unknown(words)
		return
	}
	c.is(policy.Dangerous, words)
	c.embedded(code)
}

// destroyers are calls of scripting languages that delete, cut or kill.
var destroyers = regexp.MustCompile(`(?i)\b(rmtree|unlink(Sync)?|rmdir(Sync)?|removedirs|rm_rf|rm_r|remove_dir|remove_tree|rmSync|truncate|ftruncate|os\.remove|os\.kill|File\.delete|FileUtils\.(rm|remove)[a-z_]*|killpg|reboot|shutil\.move)\b|\bkill\s*\(?\s*['"]?(KILL|TERM|9|-)|open\([^)]*['"]w|fs\.(rm|unlink|rmdir|writeFile)`)

// literals are the strings in a program of another language.
var literals = regexp.MustCompile("'([^'\n]{2,})'|\"([^\"\n]{2,})\"|`([^`\n]{2,})`|\\bq[qxw]?[{(/|]([^})/|\n]{2,})")

// embedded looks for deletions in a program of another language: it finds the
// plain ones, and the class does not depend on it.
func (c *call) embedded(code string) {
	if destroyers.MatchString(code) {
		c.destroys(policy.Dangerous, "the program deletes, cuts or kills")
	}
	for _, m := range literals.FindAllStringSubmatch(code, 64) {
		for _, text := range m[1:] {
			if looksDestructive(text) {
				c.destroys(policy.Dangerous, "the program holds a destructive command")
			}
		}
	}
	joined := strings.NewReplacer("'", " ", "\"", " ", ",", " ", "[", " ", "]", " ", "(", " ", ")", " ").Replace(code)
	if looksDestructive(joined) {
		c.destroys(policy.Dangerous, "the program holds a destructive command")
	}
}

var destructiveText = regexp.MustCompile("(^|[\\s;&|/(=!'\"`])" + `(rm\s+(-[a-zA-Z-]+\s+)*-[a-zA-Z]*[rR]|rm\s+--recursive|mkfs|wipefs|shred\s|dd\s+.*of=/|find\s.*-delete|(shutdown|reboot|halt|poweroff)(\s|$)|killall\s|pkill\s|kill\s+-9|truncate\s|>\s*/|userdel\s|drop\s+(table|database)|systemctl\s+(stop|disable|mask))`)

// looksDestructive is a guess at a text that no parser can read.
func looksDestructive(text string) bool { return destructiveText.MatchString(text) }

// awkBad are the constructs with which awk writes, runs and connects.
var (
	awkRuns   = regexp.MustCompile(`system\s*\(|\|&|"\s*\|\s*getline|\|\s*getline|(print|printf)[^;}\n]*\|\s*["a-zA-Z$]|/inet|@load|@include|@[a-z_]+\s*\(`)
	awkWrites = regexp.MustCompile(`(print|printf)[^;}\n]*>`)
	awkText   = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

func (c *call) awk() {
	options, rest := c.split("Fvfeil", []string{"--field-separator", "--assign", "--file", "--source", "--include", "--load"}, true)
	code := slices.Concat(options["-e"], options["--source"])
	for _, v := range slices.Concat(options["-v"], options["--assign"]) {
		c.s.j.unseen = c.s.j.unseen || !v.known
	}
	switch {
	case has(options, "-f", "--file", "-i", "--include", "-l", "--load", "-E"):
		c.unknown("awk runs a file whose contents are not in the text")
		return
	case len(code) == 0 && len(rest) == 0:
		return
	case len(code) == 0:
		code, rest = rest[:1], rest[1:]
	}
	for _, p := range code {
		if !p.known {
			c.unknown("the program of awk is only known when it runs")
			continue
		}
		c.awkProgram(p.text)
	}
	for _, a := range rest {
		c.reads(a)
	}
}

func (c *call) awkProgram(text string) {
	plain := awkText.ReplaceAllString(text, `"s"`)
	switch {
	case awkRuns.MatchString(plain):
		c.is(policy.Dangerous, "awk runs programs")
		c.embedded(text)
	case awkWrites.MatchString(noComparisons(plain)):
		c.destroys(policy.Write, "awk writes files")
	}
	if strings.Contains(plain, "ENVIRON") {
		c.is(policy.Privilege, "reads the environment, where credentials are kept")
	}
	for _, m := range awkText.FindAllStringSubmatch(text, 32) {
		if strings.HasPrefix(m[1], "/") {
			if f := readOf(known(m[1])); f.class != policy.Read {
				c.is(f.class, f.why)
			}
		}
	}
}

// noComparisons takes >= and what stands in parentheses away, where > compares.
func noComparisons(text string) string {
	text = strings.ReplaceAll(text, ">=", "")
	var b strings.Builder
	depth := 0
	for _, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth = max(0, depth-1)
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

func (c *call) sed() {
	options, rest := c.split("efl", []string{"--expression", "--file", "--line-length"}, false)
	code := slices.Concat(options["-e"], options["--expression"])
	if len(code) == 0 && len(rest) > 0 && !has(options, "-f", "--file") {
		code, rest = rest[:1], rest[1:]
	}
	if has(options, "-f", "--file") {
		c.unknown("sed runs a file whose contents are not in the text")
	}
	for _, p := range code {
		switch run, write := sedEffects(p.text); {
		case !p.known && p.text == "":
			c.unknown("the program of sed is only known when it runs")
		case run:
			c.is(policy.Dangerous, "sed runs programs")
			c.embedded(p.text)
		case write:
			c.destroys(policy.Write, "sed writes files")
		}
	}
	if has(options, "-i", "--in-place", "-I") || slices.ContainsFunc(c.args, func(a arg) bool { return strings.HasPrefix(a.text, "--in-p") }) {
		c.is(policy.Write, "sed changes files in place")
		for _, a := range rest {
			c.touches(a)
		}
		if slices.ContainsFunc(code, func(p arg) bool { return sedEmpties.MatchString(strings.TrimSpace(p.text)) }) {
			c.destroys(policy.Write, "deletes every line")
		}
		return
	}
	for _, a := range rest {
		c.reads(a)
	}
}

var sedEmpties = regexp.MustCompile(`^(1,\$|0~1|/\.?\*?/|1,\$\s*)?\s*d$`)

// sedEffects reads a script of sed as far as to find e and w, as commands and as
// flags of s.
func sedEffects(text string) (run, write bool) {
	for _, line := range strings.Split(text, "\n") {
		r := &sedReader{s: line}
		for !r.done() {
			switch r.command() {
			case 'e':
				run = true
			case 'w':
				write = true
			}
		}
	}
	return run, write
}

type sedReader struct {
	s string
	i int
}

func (r *sedReader) done() bool { return r.i >= len(r.s) }

// command reads one command with its address; it returns 'e' or 'w' where it has
// that effect.
func (r *sedReader) command() byte {
	for !r.done() && strings.IndexByte(" \t;{}!,0123456789$~+", r.s[r.i]) >= 0 {
		r.i++
	}
	if r.done() {
		return 0
	}
	c := r.s[r.i]
	r.i++
	switch c {
	case '/':
		r.delimited('/')
		r.flags("IM")
	case '\\':
		if !r.done() {
			d := r.s[r.i]
			r.i++
			r.delimited(d)
			r.flags("IM")
		}
	case 's', 'y':
		return r.substitute()
	case 'e':
		return 'e'
	case 'w', 'W':
		r.i = len(r.s)
		return 'w'
	case 'a', 'i', 'c', 'r', 'R', 'b', 't', 'T', ':':
		if c == 'r' || c == 'R' || c == 'a' || c == 'i' || c == 'c' {
			r.i = len(r.s)
		} else {
			for !r.done() && r.s[r.i] != ';' && r.s[r.i] != '}' {
				r.i++
			}
		}
	}
	return 0
}

func (r *sedReader) substitute() byte {
	if r.done() {
		return 0
	}
	d := r.s[r.i]
	r.i++
	r.delimited(d)
	r.delimited(d)
	for !r.done() && strings.IndexByte("gpiImM0123456789ew", r.s[r.i]) >= 0 {
		f := r.s[r.i]
		r.i++
		if f == 'e' || f == 'w' {
			if f == 'w' {
				r.i = len(r.s)
			}
			return f
		}
	}
	return 0
}

func (r *sedReader) delimited(d byte) {
	for !r.done() {
		c := r.s[r.i]
		r.i++
		if c == '\\' {
			r.i++
		} else if c == d {
			return
		}
	}
}

func (r *sedReader) flags(set string) {
	for !r.done() && strings.IndexByte(set, r.s[r.i]) >= 0 {
		r.i++
	}
}

// editor is vi and its like: they run commands of their own.
func (c *call) editor() {
	c.is(policy.Dangerous, path.Base(c.name)+" is an editor, which can run anything")
	var texts []string
	for _, a := range c.args {
		texts = append(texts, strings.TrimLeft(a.text, "+:!-c "))
		c.touches(a)
	}
	if c.in.known {
		for line := range strings.Lines(c.in.text) {
			texts = append(texts, strings.TrimLeft(line, ":! "))
		}
	}
	c.embedded(strings.Join(texts, "\n"))
}
