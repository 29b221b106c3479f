package boltstore

import (
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

const (
	formAside      = 5 // what others keep beside the store, encrypted
	formAsidePlain = 6 // the same, where nothing is encrypted, after its SHA-256
)

// SealAside encrypts what is derived from a transcript and kept beside the store,
// for those who may read event seq of it, which must exist. The result is bound to
// both. Errors: ErrSealed where no key is here.
func (s *Store) SealAside(id recorder.ID, seq uint64, plain []byte) ([]byte, error) {
	if s.keys.keys == nil {
		sum := sha256.Sum256(append(groupKey(id, seq, 0), plain...))
		return append(append([]byte{formAsidePlain}, sum[:]...), plain...), nil
	}
	key, err := s.asideKey(id, seq)
	if err != nil {
		return nil, fmt.Errorf("seal beside %q: %w", id, err)
	}
	b, err := newBox(id, key)
	if err != nil {
		return nil, err
	}
	return b.seal(nil, plain, seq, formAside), nil
}

// OpenAside is the reverse of SealAside. Errors: ErrCorrupt, ErrSealed.
func (s *Store) OpenAside(id recorder.ID, seq uint64, sealed []byte) ([]byte, error) {
	switch {
	case len(sealed) > sha256.Size && sealed[0] == formAsidePlain && s.keys.keys == nil:
		plain := sealed[1+sha256.Size:]
		if sha256.Sum256(append(groupKey(id, seq, 0), plain...)) == [32]byte(sealed[1:]) {
			return plain, nil
		}
	case len(sealed) > boxHeader && sealed[0] == formAside:
		key, err := s.asideKey(id, seq)
		if err != nil {
			return nil, fmt.Errorf("open beside %q: %w", id, err)
		}
		return unseal(id, key, sealed, seq)
	}
	return nil, fmt.Errorf("open beside %q: %w", id, recorder.ErrCorrupt)
}

func (s *Store) asideKey(id recorder.ID, seq uint64) (key []byte, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		key, err = s.keys.forReading(tx.Bucket(bucketKeys), id, seq)
		return err
	})
	return key, err
}
