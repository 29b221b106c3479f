package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/search"
	"github.com/sallyport/sallyport/tui/widget"
)

// runSearch finds text in the transcripts of a stopped bastion or a copy. The
// index that a bastion keeps beside its data is used and brought up to date;
// where it cannot be, one is built in memory.
func runSearch(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript search", io)
	where := addArchiveFlags(f)
	var q search.Query
	f.StringVar(&q.Person, "person", "", "a part of an e-mail address or subject")
	f.StringVar(&q.Resource, "resource", "", "the resource's name")
	f.StringVar(&q.Kind, "kind", "", "the resource's kind: postgres, ssh, ...")
	f.StringVar(&q.What, "what", "", "statement, command, input, output, answer or note")
	f.StringVar(&q.Verdict, "verdict", "", "allow, deny or approve")
	f.StringVar(&q.Rule, "rule", "", "the rule that decided")
	f.StringVar(&q.Class, "class", "", "read, write, ddl, ...")
	f.BoolVar(&q.Destructive, "destructive", false, "only what destroys")
	f.IntVar(&q.Limit, "limit", 0, "how many (default 100)")
	since := f.String("since", "", "a time (2006-01-02, 2006-01-02T15:04:05Z) or how long ago (24h)")
	until := f.String("until", "", "likewise")
	asJSON := f.Bool("json", false, "a line of JSON for each hit")
	if err := parse(f, args); err != nil {
		return err
	}
	q.Text = strings.Join(f.Args(), " ")
	if q.From, err = moment(*since); err == nil {
		q.To, err = moment(*until)
	}
	if err != nil {
		return err
	}
	a, err := where.open(io)
	if err != nil {
		return err
	}
	defer a.close(&err)
	x, err := a.index(*where.identities)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	if err := x.Update(ctx, a.store); err != nil {
		return err
	}
	hits, err := x.Search(ctx, q)
	if err != nil {
		return err
	}
	return printHits(hits, *asJSON, io)
}

// index opens the index beside the data, else one in memory.
func (a *archive) index(identities []string) (*search.Index, error) {
	keys, err := readingKeys(a.dir, identities)
	if err != nil {
		return nil, err
	}
	if k, err := keys.For(keys.Recipients()...); err == nil {
		if x, err := search.Open(a.dir, k); err == nil {
			return x, nil
		}
	}
	return search.Open("", nil)
}

func printHits(hits []search.Hit, asJSON bool, io stdio) error {
	for _, h := range hits {
		if asJSON {
			if err := json.NewEncoder(io.out).Encode(h); err != nil {
				return err
			}
			continue
		}
		verdict := ""
		if h.Verdict != "" {
			verdict = fmt.Sprintf("  [%s by %s]", widget.Escape(h.Verdict), widget.Escape(h.Rule))
		}
		fmt.Fprintf(io.out, "%s@%d  %s  %s  %s  %s%s  %s%s%s\n", h.ID, h.Seq, h.At.Format(time.RFC3339), widget.Escape(h.Person), widget.Escape(h.Resource),
			h.What, verdict, widget.Escape(h.Before), widget.Escape(h.Match), widget.Escape(h.After))
	}
	return nil
}

// moment reads a time or a duration before now.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &usageError{fmt.Sprintf("%q is no time", s), "2006-01-02, 2006-01-02T15:04:05Z, or how long ago: 24h"}
}

var _ search.Source = (recorder.Store)(nil)
