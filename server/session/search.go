package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/search"
)

// Search finds text in the transcripts that this person may see. labels are those
// that the resource must have now; "*" is any value. Snippets of sessions of others
// are on record as looked at before they are returned; those that need a reason
// are left out without one, and counted as withheld.
func (v *Visit) Search(ctx context.Context, q search.Query, labels map[string]string, reason string) (f Found, err error) {
	if v.g.o.Evidence == nil {
		return f, &Problem{Message: "this bastion keeps no search index"}
	}
	rules := v.g.rules.Load()
	view := v.view(rules)
	heads := map[recorder.ID]recorder.Head{}
	withheld := map[recorder.ID]bool{}
	q.May = func(id recorder.ID) bool {
		h, known := heads[id]
		if !known {
			var herr error
			if h, herr = v.g.o.Recorder.Head(ctx, id); herr != nil {
				h = recorder.Head{}
			}
			heads[id] = h
		}
		o, ok := under(rules, view, h)
		if !ok || h.ID == "" || !labelled(rules, h.Header, labels) {
			return false
		}
		if o.Reason && reason == "" {
			withheld[id] = true
			return false
		}
		return true
	}
	q.Limit = min(q.Limit, MaxHits)
	var complete bool
	f.Hits, complete, err = v.g.o.Evidence.Search(ctx, q)
	f.Behind, f.Withheld = !complete, len(withheld)
	if errors.Is(err, recorder.ErrSealed) {
		return f, &Problem{Message: "transcripts are sealed: this bastion cannot read what it records, so nothing can be found here",
			Hint: "who has an identity searches a copy: sallyport transcript search", cause: err}
	}
	if err != nil {
		return f, err
	}
	return f, v.searched(ctx, q, f.Hits, heads, reason)
}

// Found is what a search finds.
type Found struct {
	Hits []search.Hit
	// Behind: the index has not caught up, so that the newest may be missing.
	Behind bool
	// Withheld is how many transcripts matched that are shown only to who gives a
	// reason.
	Withheld int
}

// labelled reports whether a transcript's resource has the labels.
func labelled(r *Rules, h recorder.Header, labels map[string]string) bool {
	res := r.resourceOf(h)
	for k, want := range labels {
		if got, ok := res.Labels[k]; !ok || want != "*" && got != want {
			return false
		}
	}
	return true
}

// searched records that snippets of others' sessions are shown.
func (v *Visit) searched(ctx context.Context, q search.Query, hits []search.Hit, heads map[recorder.ID]recorder.Head, reason string) error {
	others := map[recorder.ID]bool{}
	for _, h := range hits {
		if !v.owns(heads[h.ID]) {
			others[h.ID] = true
		}
	}
	if len(others) == 0 {
		return nil
	}
	a := recorder.Admin{Act: "search", By: v.v.Person(), From: v.v.From, Details: map[string]string{
		"words": q.Text, "transcripts": fmt.Sprint(len(others)), "hits": fmt.Sprint(len(hits))}}
	for k, s := range map[string]string{"reason": reason, "person": q.Person, "resource": q.Resource, "rule": q.Rule} {
		if s != "" {
			a.Details[k] = s
		}
	}
	return v.g.Journal(ctx, a)
}

// MaxHits bounds how many hits one search may ask for.
const MaxHits = 1000

// Moment reads a time in UTC, or how long before now it was: 90m, 24h, 2d, 3w.
func Moment(s string, now time.Time) (time.Time, bool) {
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if n := len(s); n > 1 && unit[s[n-1]] > 0 {
		days, err := strconv.ParseUint(s[:n-1], 10, 16)
		return now.Add(-time.Duration(days) * unit[s[n-1]]), err == nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
