package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/recorder/snapshots"
	"github.com/sallyport/sallyport/server/config"
)

const retained = `name: acme
data: data
sign_in: {issuer: "https://idp.example", client_id: x}
recording:
  keep: 30d
  retention:
    - {name: production, resources: {labels: {env: prod}}, keep: 365d}
resources:
  - {name: orders-db, kind: sqlite, address: /tmp/orders.db, labels: {env: prod}}
  - {name: scratch, kind: sqlite, address: /tmp/scratch.db, labels: {env: dev}}
`

// recordedAgo records sessions that ended that long ago, one each.
func recordedAgo(t *testing.T, dir string, sessions map[string]time.Duration) map[string]recorder.ID {
	t.Helper()
	fatal(t, os.MkdirAll(dir, 0o700))
	ids := map[string]recorder.ID{}
	for resource, ago := range sessions {
		keys, err := agekeys.Open(dir, agekeys.Options{})
		fatal(t, err)
		store, err := boltstore.Open(dir, boltstore.Options{Keys: keys})
		fatal(t, err)
		tree, err := ledger.Open(dir, ledger.Options{Name: "acme"})
		fatal(t, err)
		r, err := recorder.New(store, recorder.Options{Log: tree, Now: func() time.Time { return time.Now().Add(-ago) }})
		fatal(t, err)
		tr, err := r.Begin(t.Context(), recorder.Header{Resource: resource, Kind: "sqlite", Identity: recorder.Person{Subject: "u1"}})
		fatal(t, err)
		fatal(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "on " + resource}))
		fatal(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
		fatal(t, r.Close("stop"))
		ids[resource] = tr.ID()
	}
	return ids
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestExpire: what is past its keep goes, but for what is held, and verify is
// satisfied with the tombstones. Taken away without one, it is tampering.
func TestExpire(t *testing.T) {
	dir := t.TempDir()
	path, data := filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "data")
	fatal(t, os.WriteFile(path, []byte(retained), 0o600))
	const day = 24 * time.Hour
	ids := recordedAgo(t, data, map[string]time.Duration{"orders-db": 60 * day, "scratch": 40 * day, "gone-db": 50 * day, "gone-too": 400 * day, "new": day})
	// All of gone-db and gone-too may have been production.
	seen := filepath.Join(data, snapshots.Dir, string(ids["gone-too"])) // kept beside it
	fatal(t, os.MkdirAll(filepath.Dir(seen), 0o700))
	fatal(t, os.WriteFile(seen, []byte("x"), 0o600))
	dry := said(t, 0, "expire", "--config", path, "--dry-run")
	for resource, due := range map[string]bool{"orders-db": false, "scratch": true, "gone-db": false, "gone-too": true, "new": false} {
		if strings.Contains(dry, string(ids[resource])) != due {
			t.Errorf("%s: due is not %v:\n%s", resource, due, dry)
		}
	}
	said(t, 2, "hold", string(ids["scratch"]), "--config", path)
	said(t, 1, "hold", "nonsense", "--config", path, "--reason", "x")
	said(t, 0, "hold", string(ids["scratch"]), "--config", path, "--reason", "case 17")
	if got := said(t, 0, "list", "--data", data); !strings.Contains(got, "closed, on hold") {
		t.Errorf("list does not tell of the hold:\n%s", got)
	}
	if got := said(t, 0, "expire", "--config", path); !strings.Contains(got, "1 transcripts removed") || !strings.Contains(got, string(ids["gone-too"])) {
		t.Error(got)
	}
	if _, err := os.Stat(seen); !os.IsNotExist(err) {
		t.Errorf("what was kept beside a removed transcript is there: %v", err)
	}
	said(t, 0, "release", string(ids["scratch"]), "--config", path, "--reason", "case 17 is closed")
	said(t, 1, "release", string(ids["scratch"]), "--config", path, "--reason", "again")
	if got := said(t, 0, "expire", "--config", path); !strings.Contains(got, string(ids["scratch"])) {
		t.Error(got)
	}
	got := said(t, 0, "verify", "--data", data)
	for _, want := range []string{"the chain is whole", "3 transcripts, ", "2 transcripts were removed by retention"} {
		if !strings.Contains(got, want) {
			t.Errorf("verify lacks %q:\n%s", want, got)
		}
	}
	said(t, 1, "export", string(ids["scratch"]), "--data", data)
	for _, name := range []string{string(ids["scratch"][:8]), string(ids["gone-too"][:8])} {
		if _, err := os.Stat(filepath.Join(data, "transcripts-"+name+".db")); !os.IsNotExist(err) {
			t.Errorf("the file of %s is there: %v", name, err)
		}
	}
	store, err := boltstore.Open(data, boltstore.Options{})
	fatal(t, err)
	fatal(t, store.Remove(t.Context(), []recorder.ID{ids["orders-db"]}))
	fatal(t, store.Close())
	if got := said(t, 1, "verify", "--data", data); !strings.Contains(got, string(ids["orders-db"])+", event 0: the whole transcript is missing") {
		t.Errorf("removed without a tombstone:\n%s", got)
	}
}

// A bastion that cannot read its transcripts removes them all the same.
func TestExpireSealed(t *testing.T) {
	dir := t.TempDir()
	path, data := filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "data")
	fatal(t, os.WriteFile(path, []byte(retained), 0o600))
	recordedAgo(t, data, map[string]time.Duration{"scratch": 40 * 24 * time.Hour})
	cfg, err := config.Load(path)
	fatal(t, err)
	fatal(t, os.Remove(filepath.Join(data, agekeys.IdentityFile)))
	auditor, err := agekeys.Open(t.TempDir(), agekeys.Options{})
	fatal(t, err)
	cfg.Recording.Recipients, cfg.Recording.Sealed = auditor.Recipients(), true
	e, err := openEvidence(cfg, slog.New(slog.DiscardHandler))
	fatal(t, err)
	gone, err := e.Expire(context.Background(), keeping(cfg))
	if err != nil || len(gone) != 1 || len(gone[0].Header) != 64 {
		t.Errorf("%+v, %v", gone, err)
	}
	fatal(t, e.Close("stop"))
	if got := said(t, 0, "verify", "--data", data); !strings.Contains(got, "the chain is whole") {
		t.Error(got)
	}
}
