package recorder_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// TestGolden pins format version 1. The values were computed by another program
// from the description in doc.go. They must never change: old evidence hangs on
// them.
func TestGolden(t *testing.T) {
	const id = "20261123T191530-7k2f9q"
	at := time.Date(2026, 11, 23, 19, 15, 30, 123456789, time.UTC)
	head := recorder.Head{ID: id}
	for _, c := range []struct {
		e         recorder.Event
		enc, hash string
	}{
		{
			recorder.Event{Seq: 0, At: at, Kind: recorder.KindStart, Data: []byte(`{"id":"20261123T191530-7k2f9q"}`)},
			"01000000000000000018eac29125f58115010000001f7b226964223a223230323631313233543139313533302d376b32663971227d",
			"6157f90c150f515c57db60815c5359885904833f43f638437b678e35e84567c0",
		},
		{
			recorder.Event{Seq: 1, At: at.Add(1), Kind: recorder.KindOutput, Data: []byte("\x1b[31m\xff\x00")},
			"01000000000000000118eac29125f5811604000000071b5b33316dff00",
			"b25e1fbbe08c96c2ec0707cf7fffb316eee40227bc7d95fc741a67acb953484d",
		},
		{
			recorder.Event{Seq: 2, At: time.Unix(0, -1), Kind: recorder.KindInput},
			"010000000000000002ffffffffffffffff0300000000",
			"7da05c392246137a031e3cdbd0d81e9691fbf7766e5002abac85b9764f2a5641",
		},
		{
			recorder.Event{Seq: 3, At: time.Unix(0, 0), Kind: recorder.KindEnd, Data: []byte(`{"reason":"closed"}`)},
			"010000000000000003000000000000000002000000137b22726561736f6e223a22636c6f736564227d",
			"24bd571aa9a570f21ef049e5799e17c741799ff250c0e6381085344026ac09e6",
		},
	} {
		if got := hex.EncodeToString(recorder.AppendEvent(nil, c.e)); got != c.enc {
			t.Errorf("event %d is encoded as %s, want %s", c.e.Seq, got, c.enc)
		}
		var err error
		if head, err = recorder.Advance(head, c.e); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(head.Hash[:]); got != c.hash {
			t.Errorf("hash of event %d is %s, want %s", c.e.Seq, got, c.hash)
		}
	}
}

// FuzzDecodeEvent: whatever the bytes, decoding ends well or with ErrCorrupt,
// and what decodes has no other encoding.
func FuzzDecodeEvent(f *testing.F) {
	e := recorder.Event{Seq: 7, At: time.Unix(1, 2), Kind: recorder.KindOutput, Data: []byte("data")}
	enc := recorder.AppendEvent(nil, e)
	f.Add(enc)
	f.Add(append(enc, enc...))
	f.Add(enc[:len(enc)-1])
	f.Add(bytes.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		e, rest, err := recorder.DecodeEvent(b)
		if err != nil {
			if !errors.Is(err, recorder.ErrCorrupt) {
				t.Errorf("error is not ErrCorrupt: %v", err)
			}
			return
		}
		again := recorder.AppendEvent(nil, e)
		if !bytes.Equal(append(again, rest...), b) || len(again) != recorder.EncodedLen(e) {
			t.Errorf("%x decodes to what is encoded as %x", b, again)
		}
		clear(e.Data)
		if !bytes.Equal(b, was) {
			t.Error("the event aliases the bytes")
		}
	})
}

// TestChainCoversAll: every part of an event, the name and the place count.
func TestChainCoversAll(t *testing.T) {
	e := recorder.Event{Seq: 1, At: time.Unix(1, 1), Kind: recorder.KindOutput, Data: []byte("ab")}
	seen := map[recorder.Hash]string{recorder.Chain("a", recorder.Hash{}, e): "itself"}
	for what, change := range map[string]func(*recorder.ID, *recorder.Hash, *recorder.Event){
		"seq":  func(_ *recorder.ID, _ *recorder.Hash, e *recorder.Event) { e.Seq++ },
		"time": func(_ *recorder.ID, _ *recorder.Hash, e *recorder.Event) { e.At = e.At.Add(1) },
		"kind": func(_ *recorder.ID, _ *recorder.Hash, e *recorder.Event) { e.Kind++ },
		"data": func(_ *recorder.ID, _ *recorder.Hash, e *recorder.Event) { e.Data = []byte("ac") },
		"less": func(_ *recorder.ID, _ *recorder.Hash, e *recorder.Event) { e.Data = []byte("a") },
		"id":   func(id *recorder.ID, _ *recorder.Hash, _ *recorder.Event) { *id = "b" },
		"long": func(id *recorder.ID, _ *recorder.Hash, _ *recorder.Event) { *id = "aa" },
		"prev": func(_ *recorder.ID, h *recorder.Hash, _ *recorder.Event) { h[31] = 1 },
	} {
		id, prev, e := recorder.ID("a"), recorder.Hash{}, e
		change(&id, &prev, &e)
		h := recorder.Chain(id, prev, e)
		if other, ok := seen[h]; ok {
			t.Errorf("a change of %s gives the same hash as %s", what, other)
		}
		seen[h] = what
	}
}

func TestAdvanceRefuses(t *testing.T) {
	start := recorder.Event{Kind: recorder.KindStart, Data: []byte(`{"id":"a"}`)}
	end := recorder.Event{Seq: 1, Kind: recorder.KindEnd, Data: []byte(`{}`)}
	for want, events := range map[string][]recorder.Event{
		"number 1 where 0":   {end},
		"header belongs":     {{Kind: recorder.KindNote}},
		"nowhere else":       {start, {Seq: 1, Kind: recorder.KindStart, Data: start.Data}},
		"after the end":      {start, end, {Seq: 2, Kind: recorder.KindNote}},
		"names \"b\"":        {{Kind: recorder.KindStart, Data: []byte(`{"id":"b"}`)}},
		"header does not":    {{Kind: recorder.KindStart, Data: []byte(`{`)}},
		"end does not":       {start, {Seq: 1, Kind: recorder.KindEnd, Data: []byte(`[]`)}},
		"number 3 where 1 b": {start, {Seq: 3, Kind: recorder.KindNote}},
	} {
		_, err := recorder.Advance(recorder.Head{ID: "a"}, events...)
		if !errors.Is(err, recorder.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := recorder.Advance(recorder.Head{ID: "../a"}, start); err == nil {
		t.Error("any name is taken")
	}
}
