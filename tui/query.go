package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query is what to look for in transcripts. Zero fields do not restrict.
type Query struct {
	// Text is words that must all occur; "in quotes" they are one.
	Text                                        string
	Person, Resource, Kind, What, Verdict, Rule string
	Label                                       string // name=value, or a name alone
	From, To                                    time.Time
	Destructive                                 bool
	// Reason is why sessions of others are looked at.
	Reason string
}

// queryFields are the words before a colon that a query knows.
var queryFields = []string{"person", "resource", "kind", "what", "verdict", "rule", "label", "since", "until"}

// ParseQuery reads words and fields: person:alice verdict:deny since:2d drop.
// A word with a colon that is no field is a word.
func ParseQuery(s string, now time.Time) (q Query, err error) {
	var words []string
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 1 {
			words = append(words, `"`+part+`"`)
			continue
		}
		for w := range strings.FieldsSeq(part) {
			name, value, ok := strings.Cut(w, ":")
			if !ok || value == "" || name != "destructive" && !slices.Contains(queryFields, name) {
				words = append(words, w)
				continue
			}
			if ferr := q.field(name, value, now); ferr != nil && err == nil {
				err = ferr
			}
		}
	}
	q.Text = strings.Join(words, " ")
	return q, err
}

func (q *Query) field(name, value string, now time.Time) (err error) {
	switch name {
	case "person":
		q.Person = value
	case "resource":
		q.Resource = value
	case "kind":
		q.Kind = value
	case "what":
		q.What = value
	case "verdict":
		q.Verdict = value
	case "rule":
		q.Rule = value
	case "label":
		q.Label = value
	case "destructive":
		q.Destructive = value != "no"
	case "since":
		q.From, err = moment(value, now)
	case "until":
		q.To, err = moment(value, now)
	}
	return err
}

// moment reads a time in UTC, or how long ago it was.
func moment(s string, now time.Time) (time.Time, error) {
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	if n, err := strconv.ParseUint(s[:len(s)-1], 10, 16); err == nil && unit > 0 {
		return now.Add(-time.Duration(n) * unit), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: 2026-11-23, 2026-11-23T19:30, or how long ago: 90m, 2d", s)
}
