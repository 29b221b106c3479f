package recorder

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// idAlphabet is base32hex in lower case (RFC 4648, section 7): its order is the
// order of its values, so that names sort by time.
const idAlphabet = "0123456789abcdefghijklmnopqrstuv"

// tick is the resolution of names: two base32 digits of a second.
const tick = time.Second / 1024

// newID names a transcript that starts at the time: seconds in UTC, a hyphen,
// two digits of 1/1024 s and six random ones.
func newID(at time.Time) ID {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	n := binary.BigEndian.Uint32(random[:])
	f := uint32(at.Nanosecond()) / uint32(tick)
	f = min(f, 1023) // the tick is rounded down
	b := append(at.UTC().AppendFormat(nil, "20060102T150405"), '-', idAlphabet[f>>5], idAlphabet[f&31])
	for shift := 25; shift >= 0; shift -= 5 {
		b = append(b, idAlphabet[n>>shift&31])
	}
	return ID(b)
}
