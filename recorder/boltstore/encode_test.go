package boltstore

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/recorder"
)

// FuzzDecodeGroup: damage is ErrCorrupt, and what decodes is what was encoded.
func FuzzDecodeGroup(f *testing.F) {
	events := []recorder.Event{
		{Seq: 3, At: time.Unix(1, 2), Kind: recorder.KindOutput, Data: []byte("one")},
		{Seq: 4, At: time.Unix(1, 3), Kind: recorder.KindInput},
	}
	good := encodeGroup("a", recorder.Hash{1}, events, hashes(recorder.Hash{1}, events), nil)[0].data
	f.Add(uint64(3), good)
	f.Add(uint64(4), good)
	f.Add(uint64(3), good[:len(good)-1])
	f.Fuzz(func(t *testing.T, seq uint64, b []byte) {
		got, err := decodeGroup("a", seq, b)
		if err != nil {
			if !errors.Is(err, recorder.ErrCorrupt) {
				t.Errorf("error is not ErrCorrupt: %v", err)
			}
			return
		}
		var again []byte
		for _, v := range encodeGroup("a", got.prev, got.events, hashes(got.prev, got.events), nil) {
			again = append(again, v.data...)
		}
		if len(b) <= maxValue && !bytes.Equal(again, b) {
			t.Errorf("%x decodes to what is encoded as %x", b, again)
		}
	})
}

// hashes are the chain's of transcript "a" after each event.
func hashes(prev recorder.Hash, events []recorder.Event) (all []recorder.Hash) {
	for _, e := range events {
		prev = recorder.Chain("a", prev, e)
		all = append(all, prev)
	}
	return all
}

func FuzzDecodeHead(f *testing.F) {
	end := &recorder.End{Reason: "closed"}
	h := recorder.Head{ID: "a", Next: 5, Hash: recorder.Hash{7}, Header: recorder.Header{ID: "a", Resource: "r"}, Operations: 2}
	open, err := encodeHead(h)
	if err != nil {
		f.Fatal(err)
	}
	h.Ended, h.EndedAt = end, time.Unix(5, 6)
	closed, err := encodeHead(h)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(open)
	f.Add(closed)
	f.Add(closed[:len(closed)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHead("a", b)
		if err != nil {
			if !errors.Is(err, recorder.ErrCorrupt) {
				t.Errorf("error is not ErrCorrupt: %v", err)
			}
			return
		}
		// JSON has many spellings, so the way back is through the head.
		enc, err := encodeHead(h)
		if err != nil {
			return // a time that JSON cannot say
		}
		again, err := decodeHead("a", enc)
		if err != nil || again.Next != h.Next || again.Hash != h.Hash || again.Operations != h.Operations ||
			(again.Ended == nil) != (h.Ended == nil) || !again.EndedAt.Equal(h.EndedAt) {
			t.Errorf("%+v comes back as %+v, %v", h, again, err)
		}
	})
}

func FuzzDecodeSeal(f *testing.F) {
	f.Add(seal{size: 70000, blocks: make([][32]byte, 2)}.encode())
	f.Add(seal{}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSeal(b)
		if err == nil && !bytes.Equal(s.encode(), b) {
			t.Errorf("%x decodes to what is encoded otherwise", b)
		}
	})
}

// FuzzUnpack: damage is ErrCorrupt, and what unpacks packs to the same events.
func FuzzUnpack(f *testing.F) {
	events := []recorder.Event{
		{Seq: 3, At: time.Unix(1, 2000).UTC(), Kind: recorder.KindOutput, Data: []byte("one")},
		{Seq: 4, At: time.Unix(1, 3).UTC(), Kind: recorder.KindInput},
	}
	r := run{prev: recorder.Hash{1}, last: recorder.ChainOver("a", recorder.Hash{1}, events), events: events}
	f.Add(r.pack())
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := unpack("a", 3, b)
		if err != nil {
			if !errors.Is(err, recorder.ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		again, err := unpack("a", 3, run{prev: recorder.Hash(b), last: recorder.ChainOver("a", recorder.Hash(b), got), events: got}.pack())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
