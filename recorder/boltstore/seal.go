package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/recorder"
)

const (
	sealMagic = "sallyport seal 1\n"
	sealBlock = 64 << 10
	sealFixed = len(sealMagic) + 8 + 4
)

// seal is what a clean Close says about the file.
type seal struct {
	size   int64
	blocks [][sha256.Size]byte
}

func sealPath(path string) string { return path + ".seal" }

// blockCount is how many blocks a file of the size has.
func blockCount(size int64) int64 { return (size + sealBlock - 1) / sealBlock }

// measure computes the seal of a file as it is. first stops after the first block.
func measure(ctx context.Context, path string, first bool) (seal, error) {
	f, err := os.Open(path)
	if err != nil {
		return seal{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return seal{}, err
	}
	s := seal{size: info.Size()}
	buf := make([]byte, sealBlock)
	for left := s.size; left > 0; {
		if err := ctx.Err(); err != nil {
			return seal{}, context.Cause(ctx)
		}
		b := buf[:min(left, sealBlock)]
		if _, err := io.ReadFull(f, b); err != nil {
			return seal{}, err
		}
		s.blocks = append(s.blocks, sha256.Sum256(b))
		left -= int64(len(b))
		if first {
			break
		}
	}
	return s, nil
}

func (s seal) encode() []byte {
	b := append([]byte(nil), sealMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.size))
	b = binary.BigEndian.AppendUint32(b, sealBlock)
	for _, h := range s.blocks {
		b = append(b, h[:]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decodeSeal decodes what encode made. Errors wrap recorder.ErrCorrupt.
func decodeSeal(b []byte) (seal, error) {
	bad := fmt.Errorf("%w: the seal does not decode", recorder.ErrCorrupt)
	if len(b) < sealFixed+sha256.Size || !bytes.HasPrefix(b, []byte(sealMagic)) {
		return seal{}, bad
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return seal{}, bad
	}
	s := seal{size: int64(binary.BigEndian.Uint64(body[len(sealMagic):]))}
	block := binary.BigEndian.Uint32(body[len(sealMagic)+8:])
	body = body[sealFixed:]
	if block != sealBlock || s.size < 0 || len(body)%sha256.Size != 0 || int64(len(body)/sha256.Size) != blockCount(s.size) {
		return seal{}, bad
	}
	for ; len(body) > 0; body = body[sha256.Size:] {
		s.blocks = append(s.blocks, [sha256.Size]byte(body))
	}
	return s, nil
}

// writeSeal seals the file: durable, and whole or not at all.
func writeSeal(path string) error {
	s, err := measure(context.Background(), path, false)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	tmp := sealPath(path) + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	_, err = f.Write(s.encode())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, sealPath(path))
	}
	if err == nil {
		err = syncDir(path)
	}
	if err != nil {
		return fmt.Errorf("seal: %w", errors.Join(err, os.RemoveAll(tmp)))
	}
	return nil
}

// readSeal reads the seal; ok is false where there is none.
func readSeal(path string) (s seal, ok bool, err error) {
	b, err := os.ReadFile(sealPath(path))
	if errors.Is(err, os.ErrNotExist) {
		return seal{}, false, nil
	}
	if err != nil {
		return seal{}, false, err
	}
	s, err = decodeSeal(b)
	return s, err == nil, err
}

// breakSeal removes the seal before the first write. It looks at the first block
// and the size beforehand: bbolt would silently fall back to the transaction
// before the last one where the newer of its two meta pages there is damaged.
func breakSeal(path string) error {
	s, ok, err := readSeal(path)
	if err != nil || !ok {
		return err
	}
	got, err := measure(context.Background(), path, true)
	if err != nil {
		return err
	}
	if got.size != s.size || len(s.blocks) == 0 || got.blocks[0] != s.blocks[0] {
		return fmt.Errorf("%w: it changed since the last clean stop: run `sallyport transcript verify`", recorder.ErrCorrupt)
	}
	if err := os.Remove(sealPath(path)); err != nil {
		return err
	}
	return syncDir(path)
}

// checkSeal compares the file with its seal, if it has one.
func checkSeal(ctx context.Context, path string) (sealed bool, faults []recorder.Fault, err error) {
	s, ok, err := readSeal(path)
	if errors.Is(err, recorder.ErrCorrupt) {
		return false, []recorder.Fault{{What: fmt.Sprintf("%q: %v", filepath.Base(sealPath(path)), err)}}, nil
	}
	if err != nil || !ok {
		return false, nil, err
	}
	got, err := measure(ctx, path, false)
	if err != nil {
		return true, nil, err
	}
	name := filepath.Base(path)
	if got.size != s.size {
		faults = append(faults, recorder.Fault{What: fmt.Sprintf("%q has %d bytes, sealed were %d", name, got.size, s.size)})
	}
	for i := range min(len(got.blocks), len(s.blocks)) {
		if got.blocks[i] != s.blocks[i] {
			from := int64(i) * sealBlock
			faults = append(faults, recorder.Fault{What: fmt.Sprintf("block %d of %q (bytes %d to %d) changed since it was sealed",
				i, name, from, min(from+sealBlock, got.size)-1)})
		}
	}
	return true, faults, nil
}

// syncDir makes a change of the directory that path lies in durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
