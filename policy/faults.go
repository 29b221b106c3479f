package policy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing wrong with a policy: where, as a path from the top of the
// configuration (roles[1].rules[0].allow[2]), and what, in words that say how to
// put it right.
type Fault struct {
	Path    string
	Message string
	// Line and Column say where in the text at Path it stands, counted from 1; 0
	// where it is about the whole.
	Line, Column int
}

// Error is path, place within the text, and message.
func (f Fault) Error() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s (%d:%d): %s", f.Path, f.Line, f.Column, f.Message)
	}
	return f.Path + ": " + f.Message
}

// Faults is everything wrong with a policy: masks first, then roles, each in the
// order of the text. It is the error of Compile.
type Faults []Fault

// Error is one fault a line.
func (fs Faults) Error() string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each fault to errors.Is and errors.As.
func (fs Faults) Unwrap() []error {
	var all []error
	for _, f := range fs {
		all = append(all, f)
	}
	return all
}

// Suggest makes the end of an error about a word that is none of known: the one
// that was probably meant, or all there are.
func Suggest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		d := distance(strings.ToLower(word), strings.ToLower(k), least)
		// A word of which half is wrong was not meant.
		if d < least && d*2 <= max(len(k), 2) {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return `: did you mean "` + best + `"?`
	case len(known) == 0:
		return ""
	case len(known) > 20:
		return ": one of " + strings.Join(known[:20], ", ") + ", ..."
	}
	return ": one of " + strings.Join(known, ", ")
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to make b of a; enough stands for all from there on.
func distance(a, b string, enough int) int {
	if len(a) > len(b)+enough || len(b) > len(a)+enough {
		return enough
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], enough)
}

// nameFault says what is wrong with the name of a role, rule or mask, if
// anything is. The grammar keeps rule ids unambiguous and safe to print.
func nameFault(s string) string {
	switch {
	case s == "":
		return "a name is needed"
	case len(s) > maxName:
		return "the name is longer than 64 characters"
	}
	for i, r := range s {
		letter := r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
		if !letter && (i == 0 || !strings.ContainsRune("._-", r)) {
			return "a name is letters, digits, dots, dashes and underscores, and begins with a letter or digit"
		}
	}
	return ""
}

// textFault says what is wrong with a text for people.
func textFault(s string) string {
	switch {
	case len(s) > maxText:
		return "the text is longer than 500 bytes"
	case !printable(s):
		return "the text holds characters that cannot be printed"
	}
	return ""
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
