package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/server"
	"github.com/sallyport/sallyport/server/cluster"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/tui/widget"
)

// runKeys lists and revokes the remembered keys of a stopped bastion; on a
// running one each person has `ssh BASTION keys` and `logout`.
func runKeys(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("keys", io)
	data := f.String("data", "", "the data directory (default: the demo's)")
	asJSON := f.Bool("json", false, "list: print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	const how = "usage: sallyport keys list|revoke [--data DIR] [FINGERPRINT|E-MAIL|SUBJECT]"
	if f.NArg() < 1 {
		return &usageError{how, ""}
	}
	if *data == "" {
		if *data, err = demoDirectory(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(*data, stateFile)); errors.Is(err, fs.ErrNotExist) {
		return noData(*data, stateFile)
	}
	kv, err := boltkv.Open(filepath.Join(*data, stateFile))
	if err != nil {
		if errors.Is(err, cluster.ErrInUse) {
			return &hinted{err, "a running bastion has it: its people use ssh BASTION keys and ssh BASTION logout; or stop it first"}
		}
		return err
	}
	defer func() { err = errors.Join(err, kv.Close()) }()
	keys := identity.NewKeys(kv, time.Hour, nil)
	switch {
	case f.Arg(0) == "list" && f.NArg() == 1:
		return listKeys(ctx, keys, *asJSON, io)
	case f.Arg(0) == "revoke" && f.NArg() == 2:
		return revokeKeys(ctx, keys, f.Arg(1), io)
	}
	return &usageError{how, ""}
}

func listKeys(ctx context.Context, keys *identity.Keys, asJSON bool, io stdio) error {
	all, err := keys.List(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return server.WriteJSON(io.out, append([]identity.Key{}, all...))
	}
	if len(all) == 0 {
		fmt.Fprintln(io.err, "no key is remembered")
	}
	for _, k := range all {
		fmt.Fprintf(io.out, "%s  %s  until %s  from %s\n", k.Fingerprint, widget.Escape(k.Identity.Display()), k.Expires.UTC().Format(time.RFC3339), widget.Escape(k.From))
	}
	return nil
}

// revokeKeys forgets one key, or all of a person.
func revokeKeys(ctx context.Context, keys *identity.Keys, which string, io stdio) error {
	all, err := keys.List(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, k := range all {
		if k.Fingerprint != which && k.Identity.Email != which && k.Identity.Subject != which {
			continue
		}
		if err := keys.Forget(ctx, k.Fingerprint); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "revoked %s of %s\n", k.Fingerprint, widget.Escape(k.Identity.Display()))
		n++
	}
	if n == 0 {
		return &hinted{fmt.Errorf("no remembered key is or belongs to %q", which), "sallyport keys list --data DIR lists them"}
	}
	return nil
}
