package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sallyport/sallyport/server/audit"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
)

// newAudit makes the audit stream of a configuration.
func newAudit(cfg *config.Config, log *slog.Logger) (*audit.Stream, error) {
	sinks, err := newSinks(cfg)
	if err != nil {
		return nil, err
	}
	return audit.New(cfg.Data, sinks, log)
}

func newSinks(cfg *config.Config) ([]audit.Sink, error) {
	var sinks []audit.Sink
	for _, a := range cfg.Audit {
		s, err := newSink(cfg, a)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		sinks = append(sinks, s)
	}
	return sinks, nil
}

// newSink makes a sink. Its key is a hash, since a URL may hold a token.
func newSink(cfg *config.Config, a config.Audit) (audit.Sink, error) {
	s := audit.Sink{Statements: a.Statements}
	target := ""
	var err error
	switch {
	case a.File != "":
		s.Name, target, s.Out = "file "+a.File, a.File, audit.NewFile(a.File)
	case a.Syslog != "":
		s.Name, target = "syslog "+a.Syslog, a.Syslog
		s.Out, err = audit.NewSyslog(a.Syslog, cfg.Name)
	default:
		u, uerr := url.Parse(a.Webhook.URL)
		if uerr != nil {
			return s, errors.New("webhook: the URL is malformed")
		}
		s.Name, target = "webhook "+u.Host, a.Webhook.URL
		var headers func(context.Context) (http.Header, error)
		if headers, err = headersOf(a.Webhook.Headers); err == nil {
			s.Out = audit.NewWebhook(a.Webhook.URL, headers)
		}
	}
	s.Key = fmt.Sprintf("%x", sha256.Sum256([]byte(target)))
	return s, err
}

// headersOf fetches headers that are given by reference, each time anew.
func headersOf(refs map[string]config.Ref) (func(context.Context) (http.Header, error), error) {
	sources := map[string]session.SecretSource{}
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		ref := refs[name]
		src, err := newSecret("header "+name, &ref)
		if err != nil {
			return nil, err
		}
		sources[name] = src
	}
	return func(ctx context.Context) (http.Header, error) {
		h := http.Header{}
		for name, src := range sources {
			v, err := src.Get(ctx)
			if err != nil {
				return nil, err
			}
			h.Set(name, string(v.Reveal()))
			v.Destroy()
		}
		return h, nil
	}, nil
}

// audit tries the sinks, and tells how far a bastion on the data has come with them.
func (c *checker) audit(ctx context.Context, cfg *config.Config) {
	for _, a := range cfg.Audit {
		s, err := newSink(cfg, a)
		if err == nil {
			err = bounded(ctx, func(ctx context.Context) error { return audit.Probe(ctx, s.Out) })
			err = errors.Join(err, s.Out.Close())
		}
		c.say("audit", s.Name, err)
	}
	all, err := audit.ReadStatus(cfg.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.say("audit stream", cfg.Data, err)
	}
	for _, s := range all {
		if s.Behind == 0 && s.Error == "" {
			continue
		}
		held := ""
		if !s.Since.IsZero() {
			held = ", held up since " + s.Since.UTC().Format(time.RFC3339)
		}
		c.say("audit stream", s.Sink, fmt.Errorf("%d transcripts behind%s, as of %s: %s", s.Behind, held, s.At.Format(time.RFC3339), s.Error))
	}
}
