package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster"
)

// Sentinels of Keys.
var (
	ErrNotFound = errors.New("no such key")
	// ErrKeyTaken: the key stands for another person until it expires or is revoked.
	ErrKeyTaken = errors.New("the SSH key stands for someone else")
)

const keyPrefix = "key/"

// attempts bounds a compare-and-swap that others keep winning.
const attempts = 16

var fingerprintForm = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// Keys remembers which SSH key stands for whom, until when. Safe for concurrent
// use, also by several processes of one cluster. Made by NewKeys only.
type Keys struct {
	kv  cluster.KV
	ttl time.Duration
	now func() time.Time
}

// NewKeys keeps them in kv under "key/". ttl <= 0 remembers nothing, and then
// keys remembered earlier open nothing either. A nil now is time.Now. The caller
// closes kv.
func NewKeys(kv cluster.KV, ttl time.Duration, now func() time.Time) *Keys {
	if now == nil {
		now = time.Now
	}
	return &Keys{kv: kv, ttl: max(ttl, 0), now: now}
}

// Key is a remembered key. Fingerprint is OpenSSH's SHA256:... form.
type Key struct {
	Fingerprint string          `json:"fingerprint"`
	Identity    policy.Identity `json:"identity"`
	Added       time.Time       `json:"added"`
	Expires     time.Time       `json:"expires"`
	From        string          `json:"from"`
}

// TTL is how long a key is remembered, 0 for never.
func (k *Keys) TTL() time.Duration { return k.ttl }

// Remember stores the key for ttl and drops keys that have expired. A key that
// stands for someone else is ErrKeyTaken; for the same person it is renewed.
// With ttl 0 it stores nothing and returns a zero Key.
func (k *Keys) Remember(ctx context.Context, fingerprint string, id policy.Identity, from string) (Key, error) {
	if k.ttl == 0 {
		return Key{}, nil
	}
	if !fingerprintForm.MatchString(fingerprint) {
		return Key{}, fmt.Errorf("remember key %q: not a SHA256 fingerprint", fingerprint)
	}
	if id.Issuer == "" || id.Subject == "" {
		return Key{}, fmt.Errorf("remember key %q: nobody is signed in", fingerprint)
	}
	now := k.now().UTC()
	key := Key{Fingerprint: fingerprint, Identity: id, Added: now, Expires: now.Add(k.ttl), From: from}
	err := k.change(ctx, fingerprint, func(old []byte) ([]byte, error) {
		if old != nil {
			o, err := decodeKey(fingerprint, old)
			if err != nil {
				return nil, err
			}
			if k.valid(o) && !o.Identity.Same(id) {
				return nil, fmt.Errorf("%w: sign in with a key of your own, or have that one revoked", ErrKeyTaken)
			}
		}
		return json.Marshal(key)
	})
	if err != nil {
		return Key{}, fmt.Errorf("remember key %q: %w", fingerprint, err)
	}
	k.prune(ctx)
	return key, nil
}

// Lookup returns an unexpired key or ErrNotFound. Its identity's Method is "key".
func (k *Keys) Lookup(ctx context.Context, fingerprint string) (Key, error) {
	if k.ttl == 0 || !fingerprintForm.MatchString(fingerprint) {
		return Key{}, ErrNotFound
	}
	e, err := k.kv.Get(ctx, keyPrefix+fingerprint)
	if errors.Is(err, cluster.ErrNotFound) {
		return Key{}, ErrNotFound
	}
	if err != nil {
		return Key{}, fmt.Errorf("look up key %q: %w", fingerprint, err)
	}
	key, err := decodeKey(fingerprint, e.Value)
	if err != nil {
		return Key{}, fmt.Errorf("look up key %q: %w", fingerprint, err)
	}
	if !k.valid(key) {
		return Key{}, ErrNotFound
	}
	return key, nil
}

// Forget revokes one key, or returns ErrNotFound. It also removes a key whose
// record does not parse.
func (k *Keys) Forget(ctx context.Context, fingerprint string) error {
	err := k.change(ctx, fingerprint, func(old []byte) ([]byte, error) {
		if old == nil {
			return nil, ErrNotFound
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("forget key %q: %w", fingerprint, err)
	}
	return nil
}

// ForgetAll revokes every key of the people whose subject, e-mail or name is
// exactly who, and returns those keys; none is ErrNotFound. On an error the keys
// returned are revoked all the same.
func (k *Keys) ForgetAll(ctx context.Context, who string) ([]Key, error) {
	entries, err := k.kv.List(ctx, keyPrefix)
	if err != nil {
		return nil, fmt.Errorf("forget the keys of %q: %w", who, err)
	}
	var gone []Key
	var failed []error
	for _, e := range entries {
		key, err := decodeKey(e.Key[len(keyPrefix):], e.Value)
		if err != nil {
			failed = append(failed, fmt.Errorf("key %q: %w", e.Key[len(keyPrefix):], err))
			continue
		}
		if id := key.Identity; who == "" || who != id.Subject && who != id.Email && who != id.Name {
			continue
		}
		if err := k.Forget(ctx, key.Fingerprint); err != nil && !errors.Is(err, ErrNotFound) {
			failed = append(failed, err)
			continue
		}
		gone = append(gone, key)
	}
	if len(gone) == 0 && len(failed) == 0 {
		return nil, fmt.Errorf("forget the keys of %q: %w", who, ErrNotFound)
	}
	return gone, errors.Join(failed...)
}

// List returns all keys that are not expired, by fingerprint. It goes by the
// expiry they were given alone: one who revokes keys must see also those that a
// shorter ttl already shuts out.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	entries, err := k.kv.List(ctx, keyPrefix)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var keys []Key
	for _, e := range entries {
		fingerprint := e.Key[len(keyPrefix):]
		key, err := decodeKey(fingerprint, e.Value)
		if err != nil {
			return nil, fmt.Errorf("list keys: key %q: %w", fingerprint, err)
		}
		if k.now().Before(key.Expires) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// valid reports whether a key opens the door now. A ttl that was shortened binds
// keys remembered before, and a clock set back makes none live longer.
func (k *Keys) valid(key Key) bool {
	now := k.now()
	return now.Before(key.Expires) && now.Before(key.Added.Add(k.ttl)) && !key.Added.After(now.Add(leeway))
}

// change replaces a key's value by what edit makes of it (nil: absent, or to be
// deleted), again if someone else was faster.
func (k *Keys) change(ctx context.Context, fingerprint string, edit func(old []byte) ([]byte, error)) error {
	for range attempts {
		e, err := k.kv.Get(ctx, keyPrefix+fingerprint)
		if errors.Is(err, cluster.ErrNotFound) {
			e, err = cluster.Entry{}, nil
		}
		if err != nil {
			return err
		}
		value, err := edit(e.Value)
		if err != nil {
			return err
		}
		_, err = k.kv.Put(ctx, keyPrefix+fingerprint, value, e.Version)
		if !errors.Is(err, cluster.ErrConflict) {
			return err
		}
	}
	return cluster.ErrConflict
}

// prune drops expired keys, which are personal data without use. A key it fails
// to drop stays invalid and is met again.
func (k *Keys) prune(ctx context.Context) {
	entries, err := k.kv.List(ctx, keyPrefix)
	if err != nil {
		return
	}
	for _, e := range entries {
		if key, err := decodeKey(e.Key[len(keyPrefix):], e.Value); err == nil && !k.now().Before(key.Expires) {
			_, _ = k.kv.Put(ctx, e.Key, nil, e.Version)
		}
	}
}

// decodeKey refuses a record that is not this fingerprint's.
func decodeKey(fingerprint string, b []byte) (Key, error) {
	var key Key
	if err := json.Unmarshal(b, &key); err != nil || key.Fingerprint != fingerprint || key.Identity.Subject == "" {
		return Key{}, errors.New("its record is damaged: revoke it")
	}
	key.Identity.Method = "key"
	return key, nil
}
