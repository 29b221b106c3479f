// Package agekeys answers: who can read a transcript?
//
// The key of each transcript is an age file (age-encryption.org/v1) for X25519
// recipients: the bastion's own, unless it is to read nothing, and those of
// auditors. Identities are files in age's format, as age-keygen writes them.
package agekeys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sallyport/sallyport/recorder"
)

// IdentityFile is the bastion's own identity in the data directory, mode 0600.
const IdentityFile = "transcripts.identity"

// Keys wraps and unwraps keys of transcripts. It is safe for concurrent use. Open
// and Read make one.
type Keys struct {
	recipients []age.Recipient
	identities []age.Identity
}

// Options say who may read besides the bastion.
type Options struct {
	// Recipients are age1... public keys.
	Recipients []string
	// Sealed: the bastion has no identity and cannot read what it records.
	Sealed bool
}

// Open returns the keys of a bastion with its data in dir. Unless sealed its own
// identity is there, or is made.
func Open(dir string, o Options) (*Keys, error) {
	k := new(Keys)
	if err := k.add(o.Recipients); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, IdentityFile)
	if o.Sealed {
		if len(k.recipients) == 0 {
			return nil, errors.New("transcripts sealed for nobody: name a recipient, or none could ever read them")
		}
		if _, err := os.Stat(path); err == nil {
			return nil, fmt.Errorf("transcripts are to be sealed, but %q can read them: move it to those who may", path)
		}
		return k, nil
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := generate(path); err != nil {
			return nil, fmt.Errorf("make identity: %w", err)
		}
	}
	if err := k.read(path); err != nil {
		return nil, err
	}
	for _, id := range k.identities {
		if x, ok := id.(*age.X25519Identity); ok {
			k.recipients = append(k.recipients, x.Recipient())
		}
	}
	return k, nil
}

// Read returns keys that only unwrap, by identity files. Files that are not there
// are an error that wraps fs.ErrNotExist.
func Read(files ...string) (*Keys, error) {
	k := new(Keys)
	for _, f := range files {
		if err := k.read(f); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// For returns keys that wrap for recipients and unwrap by the identities of k.
func (k *Keys) For(recipients ...string) (*Keys, error) {
	n := &Keys{identities: k.identities}
	if len(recipients) == 0 {
		return nil, errors.New("no recipient given: nobody could read the transcripts")
	}
	return n, n.add(recipients)
}

// Recipients of the identities, in text.
func (k *Keys) Recipients() (all []string) {
	for _, id := range k.identities {
		if x, ok := id.(*age.X25519Identity); ok {
			all = append(all, x.Recipient().String())
		}
	}
	return all
}

func (k *Keys) add(recipients []string) error {
	for _, s := range recipients {
		r, err := age.ParseX25519Recipient(strings.TrimSpace(s))
		if err != nil {
			return fmt.Errorf("recipient %q: %w", s, err)
		}
		k.recipients = append(k.recipients, r)
	}
	return nil
}

func (k *Keys) read(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("identity %q: others may read it: chmod 600", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("identity %q: malformed", path) // the cause may quote it
	}
	k.identities = append(k.identities, ids...)
	return nil
}

// generate makes an identity file: durable, and whole or not at all.
func generate(path string) error {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), id.Recipient(), id)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Wrap implements boltstore.Keys.
func (k *Keys) Wrap(key []byte) ([]byte, error) {
	if len(k.recipients) == 0 {
		return nil, errors.New("no recipient to encrypt for")
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(key); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Unwrap implements boltstore.Keys. Errors wrap recorder.ErrSealed where no
// identity fits, recorder.ErrCorrupt where the wrapped form is damaged.
func (k *Keys) Unwrap(wrapped []byte) ([]byte, error) {
	if len(k.identities) == 0 {
		return nil, recorder.ErrSealed
	}
	r, err := age.Decrypt(bytes.NewReader(wrapped), k.identities...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, recorder.ErrSealed
	}
	var key []byte
	if err == nil {
		key, err = io.ReadAll(r)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: wrapped key: %w", recorder.ErrCorrupt, err)
	}
	return key, nil
}
