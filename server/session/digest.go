package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/recorder"
)

// digested is a part of an answer as a transcript keeps it that must not keep the
// answer: its columns, how much it was, and what proves a copy of it.
func digested(r recorder.Rows) (recorder.Rows, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encode answer: %w", err)
	}
	sum := sha256.Sum256(b)
	return recorder.Rows{Op: r.Op, Columns: r.Columns, Digest: &recorder.Digest{
		Of: "rows", Rows: len(r.Rows), Bytes: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}}, nil
}

// digestOf stands for output that is not kept.
func digestOf(k recorder.Kind, b []byte) *recorder.Digest {
	of := "output"
	if k == recorder.KindError {
		of = "stderr"
	}
	sum := sha256.Sum256(b)
	return &recorder.Digest{Of: of, Bytes: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}
