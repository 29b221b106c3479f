package main

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/server"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
)

// runPolicyReplay tells what a configuration would have decided on the operations
// in a store that no bastion has open, or in a backup of one.
func runPolicyReplay(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("policy replay", io)
	path := f.String("config", "", "the configuration whose policy is tried")
	data := f.String("data", "", "the data directory (default: the configuration's)")
	ago := f.String("since", "30d", "how far back: 30d, 2w, 12h")
	asJSON := f.Bool("json", false, "print a line of JSON for each difference, and one with the summary")
	if err := parse(f, args); err != nil {
		return err
	}
	since, err := server.ParseAgo(*ago)
	if *path == "" || f.NArg() > 0 || err != nil {
		return &usageError{"usage: sallyport policy replay --config FILE [--data DIR] [--since 30d] [--json]", ""}
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return err
	}
	rules, err := server.JudgingRules(cfg)
	if err != nil {
		return err
	}
	if *data == "" {
		*data = cfg.Data
	}
	store, err := boltstore.Open(*data, boltstore.Options{ReadOnly: true})
	if errors.Is(err, recorder.ErrInUse) {
		return &hinted{err, "a running bastion has it: ssh BASTION policy replay --policy - < " + *path}
	}
	if err != nil {
		return notOpened(*data, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	p := &server.ReplayPrinter{W: io.out}
	if *asJSON {
		p.JSON = func(v any) error { return server.WriteJSON(io.out, v) }
	}
	sum, err := session.Rejudge(ctx, store, rules, time.Now().Add(-since), p.Difference)
	if err != nil {
		return err
	}
	return p.Sum(sum)
}
