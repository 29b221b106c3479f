package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/search"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// defaultListed and maxListed are how many transcripts `transcripts` lists.
const (
	defaultListed = 1000
	maxListed     = 100_000
)

// searchFlags are those of `transcripts search`.
func searchFlags() map[string]string {
	return map[string]string{"--json": "", "--person": "text", "--resource": "name", "--kind": "kind", "--what": "kind of text", "--label": "label",
		"--since": "time", "--until": "time", "--verdict": "verdict", "--rule": "rule", "--destructive": "", "--limit": "number", "--reason": "text"}
}

func (c *call) transcripts() error {
	switch c.operand(0) {
	case "":
		return c.listTranscripts()
	case "search":
		return c.searchTranscripts()
	}
	return usageError("usage: transcripts [--limit N] [--json] | transcripts search WORDS")
}

func (c *call) listTranscripts() error {
	for f := range c.flags {
		if f != "--json" && f != "--limit" {
			return usageError(f + " is for `transcripts search`")
		}
	}
	most := defaultListed
	if n := c.flags["--limit"]; n != "" {
		if _, err := fmt.Sscanf(n, "%d", &most); err != nil || most < 1 || most > maxListed {
			return usageError(fmt.Sprintf("--limit is a number from 1 to %d", maxListed))
		}
	}
	heads, err := c.v.Transcripts(c.ctx, most+1)
	if err != nil {
		return err
	}
	if len(heads) > most {
		heads = heads[:most]
		fmt.Fprintf(c.err, "the newest %d; --limit lists more, `transcripts search` finds older ones\n", most)
	}
	if c.flags["--json"] != "" {
		return c.json(headRows(heads))
	}
	c.none(len(heads), "there is no transcript yet that you may see")
	for _, h := range heads {
		fmt.Fprintf(c.out, "%s  %s  %-24s  %-16s  %-10s  %s\n", h.ID, h.Header.Started.UTC().Format(time.RFC3339),
			widget.Escape(orNone(whose(h.Header))), widget.Escape(orNone(h.Header.Resource)), h.Header.Action, state(h))
	}
	return nil
}

// whose session it was.
func whose(h recorder.Header) string {
	if h.Identity.Email != "" {
		return h.Identity.Email
	}
	return h.Identity.Subject
}

func state(h recorder.Head) string {
	ops := several(h.Operations, "operation")
	if h.Ended == nil {
		return ops + ", open"
	}
	return ops + ", " + widget.Escape(h.Ended.Reason)
}

func (c *call) searchTranscripts() error {
	q, labels, err := c.query(time.Now())
	if err != nil {
		return err
	}
	found, err := c.v.Search(c.ctx, q, labels, c.flags["--reason"])
	if err != nil {
		return err
	}
	c.none(len(found.Hits)+found.Withheld, "nothing was found in the transcripts that you may see")
	for _, h := range found.Hits {
		if c.flags["--json"] != "" {
			if err := c.json(h); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(c.out, hitLine(h)); err != nil {
			return fmt.Errorf("write hits: %w", err)
		}
	}
	if found.Withheld > 0 {
		fmt.Fprintf(c.err, "%s more match; they are shown to who says why: --reason TEXT\n", several(found.Withheld, "transcript"))
	}
	if found.Behind {
		fmt.Fprintln(c.err, "the index is behind: what is newest may be missing")
	}
	return nil
}

// hitLine is a hit: where, when, who, on what, which kind of text, how it was
// decided, and the text around it.
func hitLine(h search.Hit) string {
	verdict := ""
	if h.Verdict != "" {
		verdict = fmt.Sprintf("  [%s by %s]", widget.Escape(h.Verdict), widget.Escape(h.Rule))
	}
	return fmt.Sprintf("%s@%d  %s  %s  %s  %s%s  %s", h.ID, h.Seq, h.At.UTC().Format(time.RFC3339), widget.Escape(h.Person),
		widget.Escape(orNone(h.Resource)), h.What, verdict, widget.Escape(h.Before+h.Match+h.After))
}

// query reads what to look for from the command line.
func (c *call) query(now time.Time) (q search.Query, labels map[string]string, err error) {
	var words []string
	for _, w := range c.operands[1:] {
		if strings.ContainsAny(w.text, " \t\n") {
			w.text = `"` + strings.TrimSpace(strings.ReplaceAll(w.text, `"`, " ")) + `"` // what was quoted is one
		}
		words = append(words, w.text)
	}
	q = search.Query{Text: strings.Join(words, " "), Person: c.flags["--person"], Resource: c.flags["--resource"], Kind: c.flags["--kind"],
		What: c.flags["--what"], Verdict: c.flags["--verdict"], Rule: c.flags["--rule"], Destructive: c.flags["--destructive"] != ""}
	if n := c.flags["--limit"]; n != "" {
		if _, err := fmt.Sscanf(n, "%d", &q.Limit); err != nil || q.Limit < 1 || q.Limit > session.MaxHits {
			return q, nil, usageError(fmt.Sprintf("--limit is a number from 1 to %d", session.MaxHits))
		}
	}
	for flag, to := range map[string]*time.Time{"--since": &q.From, "--until": &q.To} {
		s, given := c.flags[flag]
		if !given {
			continue
		}
		at, ok := session.Moment(s, now)
		if !ok {
			return q, nil, usageError(flag + " needs a time, such as 2006-01-02T15:04Z, or how long ago: 24h, 2d")
		}
		*to = at
	}
	if s := c.flags["--label"]; s != "" {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			v = "*"
		}
		labels = map[string]string{k: v}
	}
	return q, labels, nil
}
