package boltstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// Keys wraps the keys of transcripts for those who may read them. It is safe for
// concurrent use.
type Keys interface {
	// Wrap encrypts a key for all recipients.
	Wrap(key []byte) ([]byte, error)
	// Unwrap decrypts what Wrap made. recorder.ErrSealed where no identity here can.
	Unwrap(wrapped []byte) ([]byte, error)
}

const (
	keySize  = 32
	saltSize = 16
	// boxHeader is the length of an encrypted value's form and salt.
	boxHeader = 1 + saltSize
	// maxCached bounds the keys that readers keep unwrapped.
	maxCached = 1024
)

// box encrypts values of one transcript. The AEAD's key is derived from the
// transcript's and a random salt that no other box has, so a number is used as
// nonce once, also where a crash took what was written under it.
type box struct {
	id   recorder.ID
	salt [saltSize]byte
	aead cipher.AEAD
}

func newBox(id recorder.ID, key []byte) (*box, error) {
	b := &box{id: id}
	_, _ = rand.Read(b.salt[:]) // never fails (crypto/rand)
	return b, b.derive(key)
}

func (b *box) derive(key []byte) error {
	k, err := hkdf.Key(sha256.New, key, b.salt[:], "sallyport transcript", keySize)
	if err != nil {
		return err
	}
	c, err := aes.NewCipher(k)
	if err != nil {
		return err
	}
	b.aead, err = cipher.NewGCM(c)
	return err
}

// bound is the nonce and what the ciphertext is bound to beside it: transcript,
// number of the first event, form.
func (b *box) bound(seq uint64, form byte) (nonce, data []byte) {
	nonce = binary.BigEndian.AppendUint64(make([]byte, b.aead.NonceSize()-8, b.aead.NonceSize()), seq)
	return nonce, append(groupKey(b.id, seq, 0), form)
}

// seal appends the encrypted form of plain to dst.
func (b *box) seal(dst, plain []byte, seq uint64, form byte) []byte {
	dst = append(append(dst, form), b.salt[:]...)
	nonce, data := b.bound(seq, form)
	return b.aead.Seal(dst, nonce, plain, data)
}

// unseal returns what seal encrypted. Errors wrap recorder.ErrCorrupt.
func unseal(id recorder.ID, key, v []byte, seq uint64) ([]byte, error) {
	if len(v) < boxHeader {
		return nil, fmt.Errorf("%w: event %d: encrypted value is cut off", recorder.ErrCorrupt, seq)
	}
	b := box{id: id, salt: [saltSize]byte(v[1:])}
	if err := b.derive(key); err != nil {
		return nil, err
	}
	nonce, data := b.bound(seq, v[0])
	plain, err := b.aead.Open(nil, nonce, v[boxHeader:], data)
	if err != nil {
		return nil, fmt.Errorf("%w: event %d, or one stored with it, is not what was written", recorder.ErrCorrupt, seq)
	}
	return plain, nil
}

// keyring finds the keys of transcripts. A nil Keys means that nothing is
// encrypted.
type keyring struct {
	keys Keys

	mu    sync.Mutex
	live  map[recorder.ID]*liveKey // of transcripts that are written to
	cache map[string][]byte        // wrapped → key
}

// liveKey is the key of a transcript from event `from` on.
type liveKey struct {
	from uint64
	key  []byte
	box  *box
}

// forWriting returns the box for groups of a transcript of which event next comes
// next. A transcript that this process did not begin, and that it cannot read,
// goes on under another key.
func (k *keyring) forWriting(bucket *bolt.Bucket, id recorder.ID, next uint64) (*box, error) {
	if k.keys == nil {
		return nil, nil
	}
	k.mu.Lock()
	l := k.live[id]
	k.mu.Unlock()
	if l != nil {
		return l.box, nil
	}
	l = &liveKey{from: next, key: make([]byte, keySize)}
	_, _ = rand.Read(l.key)
	wrapped, err := k.keys.Wrap(l.key)
	if err == nil {
		err = bucket.Put(groupKey(id, next, 0), wrapped)
	}
	if err == nil {
		l.box, err = newBox(id, l.key)
	}
	if err != nil {
		return nil, fmt.Errorf("key of transcript %q: %w", id, err)
	}
	k.mu.Lock()
	k.live[id] = l
	k.mu.Unlock()
	return l.box, nil
}

// forget drops the key of a transcript that is packed to its end.
func (k *keyring) forget(id recorder.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.live, id)
}

// forReading returns the key under which the value of event seq is encrypted.
// bucket is the keys'.
func (k *keyring) forReading(bucket *bolt.Bucket, id recorder.ID, seq uint64) ([]byte, error) {
	k.mu.Lock()
	if l := k.live[id]; l != nil && seq >= l.from {
		k.mu.Unlock()
		return l.key, nil
	}
	k.mu.Unlock()
	c := bucket.Cursor()
	at, wrapped := c.Seek(groupKey(id, seq, 0))
	if got, s, _, ok := splitKey(at); !ok || got != id || s != seq {
		if at == nil {
			at, wrapped = c.Last()
		} else {
			at, wrapped = c.Prev()
		}
		if got, _, _, ok := splitKey(at); !ok || got != id {
			return nil, fmt.Errorf("%w: transcript %q has no key for event %d", recorder.ErrCorrupt, id, seq)
		}
	}
	return k.unwrap(bytes.Clone(wrapped))
}

func (k *keyring) unwrap(wrapped []byte) ([]byte, error) {
	if k.keys == nil {
		return nil, recorder.ErrSealed
	}
	k.mu.Lock()
	key := k.cache[string(wrapped)]
	k.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := k.keys.Unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%w: a key of %d bytes", recorder.ErrCorrupt, len(key))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cache) >= maxCached {
		clear(k.cache)
	}
	k.cache[string(wrapped)] = key
	return key, nil
}
