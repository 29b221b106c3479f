package agekeys_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/storetest"
)

var _ boltstore.Keys = (*agekeys.Keys)(nil)

func open(t *testing.T, dir string, o agekeys.Options) *agekeys.Keys {
	t.Helper()
	k, err := agekeys.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func reads(k *agekeys.Keys, wrapped, key []byte) error {
	got, err := k.Unwrap(wrapped)
	if err == nil && !bytes.Equal(got, key) {
		return errors.New("another key")
	}
	return err
}

func TestRecipients(t *testing.T) {
	bastion, auditor, other := t.TempDir(), t.TempDir(), t.TempDir()
	a := open(t, auditor, agekeys.Options{})
	b := open(t, bastion, agekeys.Options{Recipients: a.Recipients()})
	key := bytes.Repeat([]byte{7}, 32)
	wrapped, err := b.Wrap(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*agekeys.Keys{a, b, open(t, bastion, agekeys.Options{})} {
		if err := reads(k, wrapped, key); err != nil {
			t.Error(err)
		}
	}
	if err := reads(open(t, other, agekeys.Options{}), wrapped, key); !errors.Is(err, recorder.ErrSealed) {
		t.Errorf("somebody else: %v", err)
	}
	if err := reads(a, wrapped[:len(wrapped)-1], key); !errors.Is(err, recorder.ErrCorrupt) {
		t.Errorf("cut off: %v", err)
	}
	info, err := os.Stat(filepath.Join(bastion, agekeys.IdentityFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("identity: %v, %v", info, err)
	}
}

func TestRefusals(t *testing.T) {
	dir, has := t.TempDir(), t.TempDir()
	public := open(t, has, agekeys.Options{}).Recipients()
	if _, err := agekeys.Open(dir, agekeys.Options{Sealed: true}); err == nil {
		t.Error("sealed for nobody")
	}
	if _, err := agekeys.Open(has, agekeys.Options{Sealed: true, Recipients: public}); err == nil || !strings.Contains(err.Error(), "move it") {
		t.Errorf("sealed, with an identity beside the data: %v", err)
	}
	if _, err := agekeys.Open(dir, agekeys.Options{Recipients: []string{"age1nonsense"}}); err == nil {
		t.Error("a malformed recipient is taken")
	}
	k := open(t, dir, agekeys.Options{Sealed: true, Recipients: public})
	wrapped, err := k.Wrap(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Unwrap(wrapped); !errors.Is(err, recorder.ErrSealed) {
		t.Errorf("sealed, and reads: %v", err)
	}
	if err := os.Chmod(filepath.Join(has, agekeys.IdentityFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := agekeys.Open(has, agekeys.Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("an identity that others may read: %v", err)
	}
}

// TestRewrap: after a change of recipients the old ones read nothing, and nothing
// that is evidence has changed.
func TestRewrap(t *testing.T) {
	data, older, newer := t.TempDir(), t.TempDir(), t.TempDir()
	o, n := open(t, older, agekeys.Options{}), open(t, newer, agekeys.Options{})
	s, err := boltstore.Open(data, boltstore.Options{Keys: o})
	if err != nil {
		t.Fatal(err)
	}
	c, g := storetest.Begin(t, "20261123T191530-7k2f90")
	end := c.Group(t, storetest.Event{Kind: recorder.KindOutput, Data: []byte("hello")}, storetest.Event{Kind: recorder.KindEnd, Data: []byte(`{"reason":"closed"}`)})
	if err := s.Append([]recorder.Group{g}); err != nil {
		t.Fatal(err)
	}
	if err := s.Append([]recorder.Group{end}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Pack(t.Context(), []recorder.ID{"20261123T191530-7k2f90"})
	if err != nil {
		t.Fatal(err)
	}
	to, err := o.For(n.Recipients()...)
	if err != nil {
		t.Fatal(err)
	}
	if count, err := s.Rewrap(t.Context(), to); err != nil || count != 1 {
		t.Fatalf("%d, %v", count, err)
	}
	storetest.Close(t, s)
	for k, want := range map[*agekeys.Keys]error{o: recorder.ErrSealed, n: nil} {
		s, err := boltstore.Open(data, boltstore.Options{Keys: k, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if events, err := s.Read(t.Context(), "20261123T191530-7k2f90", 0, 9); !errors.Is(err, want) || want == nil && len(events) != 3 {
			t.Errorf("%d events, %v, want %v", len(events), err, want)
		}
		if sum, all, err := s.Stored(t.Context(), "20261123T191530-7k2f90"); err != nil || !all || sum != before["20261123T191530-7k2f90"] {
			t.Errorf("the stored form changed: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
