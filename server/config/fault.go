package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	// File is the name that Parse was given; Line and Column, counted from 1, are
	// 0 where the place is not known.
	File         string
	Line, Column int
	// Path leads to it from the top: resources[2].address. "" for the whole file.
	Path    string
	Message string
	// line and column are the place within a text at Path, counted from 1.
	line, column int
	// source is the number of its file; key says that it is about a key, whose value
	// may be anything.
	source int
	key    bool
	// Excerpt is the line of the file, without what could be a secret; may be "".
	Excerpt string
}

// Error is file:line:column, path and message, and below that the excerpt with
// a caret.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Excerpt != "" && f.Line > 0 {
		number := fmt.Sprintf("%5d", f.Line)
		fmt.Fprintf(&b, "\n%s | %s", number, f.Excerpt)
		if n := f.Column - 1; n >= 0 && n <= len([]rune(f.Excerpt)) {
			fmt.Fprintf(&b, "\n%s | %s^", strings.Repeat(" ", len(number)), strings.Repeat(" ", n))
		}
	}
	return b.String()
}

// Faults is everything wrong with a configuration, in the order of the file. It
// is the error of Load, Parse and Validate.
type Faults []Fault

// maxFaults is how many are written out, and sameFaults how many of the same words
// about the same key: a template that is wrong makes one for each of a thousand hosts.
const (
	maxFaults  = 50
	sameFaults = 3
)

// Error is one fault after the other, and how many more there are of those that say
// the same, and of many.
func (fs Faults) Error() string {
	var all []string
	var again []string         // in the order in which they came
	number := map[string]int{} // of each
	for _, f := range fs {
		same := f.sameAs()
		if number[same]++; number[same] > sameFaults {
			if number[same] == sameFaults+1 && len(again) < maxFaults {
				again = append(again, same)
			}
			continue
		}
		all = append(all, f.Error())
	}
	if more := len(all) - maxFaults; more > 0 {
		all = append(all[:maxFaults], fmt.Sprintf("and %d more like these or others", more))
	}
	for _, same := range again {
		all = append(all, fmt.Sprintf("and %d more that say: %s", number[same]-sameFaults, same))
	}
	return strings.Join(all, "\n")
}

// sameAs is path and message without the numbers in the path.
func (f Fault) sameAs() string {
	var b strings.Builder
	in := false
	for _, r := range f.Path {
		switch {
		case r == '[':
			in = true
			b.WriteString("[*")
		case r == ']':
			in = false
		}
		if !in && r != '[' {
			b.WriteRune(r)
		}
	}
	return strings.TrimPrefix(b.String()+": "+f.Message, ": ")
}

// Unwrap gives each fault to errors.Is and errors.As.
func (fs Faults) Unwrap() []error {
	var all []error
	for _, f := range fs {
		all = append(all, f)
	}
	return all
}

// err is the faults as an error, nil for none.
func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

func (fs *Faults) add(path, format string, args ...any) {
	*fs = append(*fs, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

// secretWords begin what an excerpt must not show: people write passwords into
// configurations where only references belong, and errors go to logs.
var secretWords = []string{"pass", "pwd", "secret", "token", "credential", "private", "key", "url", "headers", "authorization", "-----begin"}

const longestExcerpt = 100

// harmless is our own key that holds such a word and never a secret.
var harmless = strings.NewReplacer("remember_key", "remember____")

// excerpt is a line as an error may show it: only up to a word that announces a
// secret, or to what may be the login of a URL. With cut >= 0, it ends at the
// first colon from that byte on, so that a key shows without its value.
func excerpt(line string, cut int) string {
	line = strings.TrimRight(line, " \r\n")
	if !utf8.ValidString(line) {
		return ""
	}
	if cut >= 0 {
		i := strings.IndexByte(line[min(cut, len(line)):], ':')
		if i < 0 {
			return ""
		}
		line = line[:min(cut, len(line))+i+1]
	}
	if i := strings.Index(line, "://"); i >= 0 && strings.Contains(line[i:], "@") {
		line = line[:i+3] + "..."
	}
	if end := announced(line); end < len(line) {
		line = line[:end] + " ..."
	}
	if r := []rune(line); len(r) > longestExcerpt {
		line = string(r[:longestExcerpt]) + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line)
}

// announced is where a secret may begin in the line: behind the first word that
// announces one and its colon. It is the line's length where there is none.
func announced(line string) int {
	// Only ASCII is folded: other folding changes lengths, and no key is written
	// with a Kelvin sign but by someone who wants it to show.
	lower := harmless.Replace(strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, line))
	first := len(line)
	for _, w := range secretWords {
		if i := strings.Index(lower, w); i >= 0 {
			first = min(first, i+len(w))
		}
	}
	if first == len(line) {
		return first
	}
	if i := strings.IndexByte(line[first:], ':'); i >= 0 && !strings.ContainsAny(line[first:first+i], " \t,'\"") {
		return first + i + 1
	}
	return first
}
