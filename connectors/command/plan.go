package command

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

const defaultLongest = 200

// wrong refuses a command that does not fit its declaration.
func wrong(hint, format string, args ...any) *policy.Refusal {
	return &policy.Refusal{Rule: "declaration", Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// Plan is the argv of a command: words name=value, quoted as in a shell, which none
// reads; a switch may be its name alone.
func Plan(c *connectors.Command, command string) ([]string, error) {
	given, err := assignments(c, command)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, p := range c.Parameters {
		v, has := given[p.Name]
		if !has {
			v = p.Default
		}
		if v == "" && p.Type != connectors.ParameterSwitch {
			if !p.Optional {
				return nil, wrong(usage(c), "%s needs a value", p.Name)
			}
			continue
		}
		if values[p.Name], err = value(p, v); err != nil {
			return nil, err
		}
	}
	argv := []string{c.Program}
	bare := "" // an option whose value was left out
	for i, a := range c.Args {
		arg, ok, err := expand(a, values)
		if err != nil {
			return nil, err
		}
		switch {
		case ok && bare != "":
			return nil, wrong(usage(c), "without a value behind it %s would take the next one for its own", bare)
		case ok:
			argv = append(argv, arg)
		case i > 0 && c.Args[i-1] == argv[len(argv)-1] && takesValue(c.Args[i-1]):
			bare = c.Args[i-1]
		}
	}
	return argv, nil
}

// takesValue reports whether a program may read an argument as an option whose value is
// in the next one.
func takesValue(arg string) bool {
	return strings.HasPrefix(arg, "-") && arg != "-" && arg != "--" && !strings.Contains(arg, "=")
}

// assignments are the values as they were given, by name.
func assignments(c *connectors.Command, command string) (map[string]string, error) {
	given := map[string]string{}
	words, ok := split(command)
	if !ok || !utf8.ValidString(command) {
		return nil, wrong(usage(c), "the parameters cannot be read: a quote is not closed, or it is not UTF-8")
	}
	for _, w := range words {
		name, v, assigned := strings.Cut(w, "=")
		i := slices.IndexFunc(c.Parameters, func(p connectors.Parameter) bool { return p.Name == name })
		switch {
		case i < 0:
			return nil, wrong(usage(c), "there is no parameter %q", name)
		case !assigned && c.Parameters[i].Type != connectors.ParameterSwitch:
			return nil, wrong(usage(c), "%s needs a value: %s=...", name, name)
		case !assigned:
			v = "on"
		}
		if _, twice := given[name]; twice {
			return nil, wrong("", "%s is given twice", name)
		}
		given[name] = v
	}
	return given, nil
}

// split splits a text into words by the quoting of POSIX's shell (XCU 2.2), and
// expands nothing.
func split(text string) (words []string, ok bool) {
	var word strings.Builder
	within, quote := false, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("$`\"\\\n", r) {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, within = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, within = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if within {
				words = append(words, word.String())
				word.Reset()
			}
			within = false
		default:
			word.WriteRune(r)
			within = true
		}
	}
	if within {
		words = append(words, word.String())
	}
	return words, quote == 0 && !escaped
}

// usage is what the declaration takes.
func usage(c *connectors.Command) string {
	var all []string
	for _, p := range c.Parameters {
		w := p.Name + "=" + describe(p)
		if p.Type == connectors.ParameterSwitch {
			w = p.Name
		}
		if p.Optional || p.Default != "" || p.Type == connectors.ParameterSwitch {
			w = "[" + w + "]"
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		return "it takes no parameters"
	}
	return "it takes " + strings.Join(all, " ")
}

func describe(p connectors.Parameter) string {
	switch p.Type {
	case connectors.ParameterChoice:
		return strings.Join(p.Choices, "|")
	case connectors.ParameterInteger:
		return fmt.Sprintf("%d..%d", p.Min, p.Max)
	}
	return "TEXT"
}

// value checks a value by its parameter's type and returns what stands for it.
func value(p connectors.Parameter, v string) (string, error) {
	switch p.Type {
	case connectors.ParameterInteger:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != v || n < p.Min || n > p.Max {
			return "", wrong("", "%s is a whole number from %d to %d", p.Name, p.Min, p.Max)
		}
		return v, nil
	case connectors.ParameterChoice:
		if !slices.Contains(p.Choices, v) {
			return "", wrong("", "%s is one of %s", p.Name, strings.Join(p.Choices, ", "))
		}
		return v, nil
	case connectors.ParameterSwitch:
		switch v {
		case "on", "true", "yes":
			return p.Choices[0], nil
		case "", "off", "false", "no":
			return "", nil
		}
		return "", wrong("", "%s is on or off", p.Name)
	}
	return text(p, v)
}

func text(p connectors.Parameter, v string) (string, error) {
	longest := p.Longest
	if longest <= 0 {
		longest = defaultLongest
	}
	switch {
	case strings.HasPrefix(v, "-"):
		return "", wrong("", "%s begins with a dash: a program would take it for an option", p.Name)
	case len(v) > longest:
		return "", wrong("", "%s is longer than %d bytes", p.Name, longest)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", wrong("", "%s has characters that cannot be printed", p.Name)
	}
	if p.Pattern == "" {
		return v, nil
	}
	re, err := regexp.Compile(`\A(?:` + p.Pattern + `)\z`)
	if err != nil { // the configuration has seen to it
		return "", wrong("", "the pattern of %s cannot be read", p.Name)
	}
	if !re.MatchString(v) {
		return "", wrong("", "%s does not match %s", p.Name, p.Pattern)
	}
	return v, nil
}

// expand puts the values into one argument. It is left out where a parameter in it
// has no value.
func expand(arg string, values map[string]string) (string, bool, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(arg, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), true, nil
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", false, wrong("", "the declaration's argument %q ends within a name", arg)
		}
		v := values[name]
		if v == "" {
			return "", false, nil
		}
		b.WriteString(v)
		arg = after
	}
}

// Quote is an argv as one text that a shell would read as the same words.
func Quote(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		out[i] = a
		if a == "" || strings.ContainsFunc(a, special) {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// special are all characters but those that mean themselves anywhere in a command.
func special(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r))
}
