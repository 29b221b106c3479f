package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/snapshots"
	"github.com/sallyport/sallyport/server/config"
)

// expireEvery is how often a running bastion removes what is past its keep.
const expireEvery = 24 * time.Hour

// retain removes what is past its keep, now and at each tick, until ctx ends; nil
// ticks once a day.
func (b *bastion) retain(ctx context.Context, ticks <-chan time.Time) {
	if ticks == nil {
		t := time.NewTicker(expireEvery)
		defer t.Stop()
		ticks = t.C
	}
	for {
		b.expire(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

// Expire is Recorder.Expire, and removes what is kept beside the transcripts, too.
func (e *evidence) Expire(ctx context.Context, keep recorder.Keep) ([]recorder.Removal, error) {
	gone, err := e.Recorder.Expire(ctx, keep)
	for _, r := range gone {
		err = errors.Join(err, snapshots.Forget(e.dir, r.Head.ID))
	}
	return gone, err
}

func (b *bastion) expire(ctx context.Context) {
	gone, err := b.rec.Expire(ctx, keeping(b.keeping.Load()))
	if err != nil && ctx.Err() == nil {
		b.log.Error("transcripts past their keep were not all removed", "removed", len(gone), "err", err)
	}
	if len(gone) == 0 {
		return
	}
	rules := map[string]int{}
	for _, r := range gone {
		rules[r.Rule]++
	}
	details := map[string]string{}
	var said []string
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		details[rule] = strconv.Itoa(rules[rule])
		said = append(said, rule+": "+details[rule])
	}
	b.log.Info("transcripts removed past their keep", "transcripts", len(gone), "by", strings.Join(said, ", "))
	act := recorder.Admin{Act: "transcripts removed", Target: strconv.Itoa(len(gone)), Details: details}
	if err := b.live.Journal(context.WithoutCancel(ctx), act); err != nil {
		b.log.Error("removal of transcripts not recorded, but for their tombstones", "err", err)
	}
}

// keeping is the retention of a configuration.
func keeping(cfg *config.Config) recorder.Keep {
	known := map[string]policy.Resource{}
	for _, r := range cfg.Resources {
		known[r.Name] = r.Policy()
	}
	type rule struct {
		name       string
		sure, some func(policy.Resource) bool
		keep       time.Duration
	}
	var rules []rule
	for _, r := range cfg.Recording.Retention {
		// Without what it says about labels: picks all that it may ever have picked.
		loose := policy.Selector{Names: r.Resources.Names, Kinds: r.Resources.Kinds}
		if loose.Empty() {
			loose.Names = []string{"*"}
		}
		rules = append(rules, rule{r.Name, r.Resources.Matcher(), loose.Matcher(), time.Duration(*r.Keep)})
	}
	base := time.Duration(cfg.Recording.Keep)
	return func(h recorder.Head) (time.Duration, string) {
		if h.Header.Kind == recorder.KindBastion {
			return time.Duration(cfg.Recording.KeepOwn), "keep_own"
		}
		r, ok := known[h.Header.Resource]
		keep, by := base, "keep"
		if !ok {
			r = policy.Resource{Name: h.Header.Resource, Kind: h.Header.Kind}
		}
		for _, rule := range rules {
			switch {
			case ok && rule.sure(r):
				return rule.keep, rule.name
			case !ok && rule.some(r) && keep != 0 && (rule.keep == 0 || rule.keep > keep):
				keep, by = rule.keep, rule.name // in doubt, longer
			}
		}
		return keep, by
	}
}
