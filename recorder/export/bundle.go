package export

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/ledger"
)

const bundleMagic = "sallyport bundle 1\n"

var sections = [...]string{"text", "key", "checkpoint", "proof", "events"}

// proof is an inclusion in JSON.
type proof struct {
	Leaf  string   `json:"leaf"` // canonical encoding, base64
	Index int64    `json:"index"`
	Path  []string `json:"path"`
}

// Bundle writes one file with a transcript and what proves it. It is held in
// memory.
func Bundle(w io.Writer, h recorder.Head, events Events, p ledger.Inclusion) error {
	var all []recorder.Event
	for e, err := range events {
		if err != nil {
			return fmt.Errorf("export %q: %w", h.ID, err)
		}
		all = append(all, e)
	}
	b, err := bundle(h, all, p)
	if err == nil {
		_, err = w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("export %q: %w", h.ID, err)
	}
	return nil
}

func bundle(h recorder.Head, events []recorder.Event, p ledger.Inclusion) ([]byte, error) {
	var read bytes.Buffer
	if err := Text(&read, h, each(events)); err != nil {
		return nil, err
	}
	j := proof{Leaf: base64.StdEncoding.EncodeToString(recorder.AppendLeaf(nil, p.Leaf)), Index: p.Index, Path: []string{}}
	for _, x := range p.Path {
		j.Path = append(j.Path, x.String())
	}
	path, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var encoded []byte
	for _, e := range events {
		encoded = recorder.AppendEvent(encoded, e)
	}
	out := []byte(bundleMagic)
	for i, data := range [][]byte{read.Bytes(), []byte(p.Key), p.Checkpoint, path, encoded} {
		out = fmt.Appendf(out, "-- %s %d\n", sections[i], len(data))
		out = append(append(out, data...), '\n')
	}
	return out, nil
}

func each(events []recorder.Event) Events {
	return func(yield func(recorder.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Verdict is what checking a bundle found.
type Verdict struct {
	Head       recorder.Head
	Checkpoint ledger.Checkpoint
	// Covered is how many events the signed leaf covers, Logged when it was made.
	Covered uint64
	Logged  time.Time
	// Key is the public key that the bundle brings along.
	Key string
}

// VerifyBundle checks a bundle without a store. key is the public key to trust;
// "" means the one that is in it, which proves only that the bundle is consistent.
// kept are checkpoints from elsewhere; one of the same size as the bundle's must
// agree with it. Errors wrap recorder.ErrCorrupt and name what is broken.
func VerifyBundle(b []byte, key string, kept ...[]byte) (Verdict, error) {
	parts, err := split(b)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Key: string(parts[1])}
	if key == "" {
		key = v.Key
	}
	p, err := inclusion(parts)
	if err != nil {
		return v, err
	}
	if v.Checkpoint, err = p.Check(key); err != nil {
		return v, err
	}
	events, h, err := chain(parts[4], p.Leaf)
	if err != nil {
		return v, err
	}
	v.Head, v.Covered, v.Logged = h, p.Leaf.Next, p.Leaf.At
	for i, msg := range kept {
		c, err := ledger.OpenCheckpoint(msg, key)
		if err != nil {
			return v, fmt.Errorf("kept checkpoint %d: %w", i+1, err)
		}
		if c.Size == v.Checkpoint.Size && c.Root != v.Checkpoint.Root {
			return v, fmt.Errorf("%w: the bundle's checkpoint contradicts kept checkpoint %d", recorder.ErrCorrupt, i+1)
		}
	}
	if again, err := bundle(h, events, p); err != nil || !bytes.Equal(again, b) {
		return v, fmt.Errorf("%w: the bundle is not as it was written: its text or its form was changed", recorder.ErrCorrupt)
	}
	return v, nil
}

// split takes the sections apart.
func split(b []byte) (parts [len(sections)][]byte, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(bundleMagic))
	if !ok {
		return parts, fmt.Errorf("%w: no bundle of this version", recorder.ErrCorrupt)
	}
	for i, name := range sections {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		size, found := strings.CutPrefix(string(line), "-- "+name+" ")
		n, err := strconv.Atoi(size)
		if !ok || !found || err != nil || n < 0 || n >= len(after) || after[n] != '\n' {
			return parts, fmt.Errorf("%w: the bundle's section %q is malformed", recorder.ErrCorrupt, name)
		}
		parts[i], rest = after[:n], after[n+1:]
	}
	if len(rest) > 0 {
		return parts, fmt.Errorf("%w: %d bytes after the bundle", recorder.ErrCorrupt, len(rest))
	}
	return parts, nil
}

func inclusion(parts [len(sections)][]byte) (ledger.Inclusion, error) {
	bad := func(what string) (ledger.Inclusion, error) {
		return ledger.Inclusion{}, fmt.Errorf("%w: the bundle's proof: %s", recorder.ErrCorrupt, what)
	}
	var j proof
	if err := json.Unmarshal(parts[3], &j); err != nil {
		return bad("no JSON")
	}
	leaf, err := base64.StdEncoding.DecodeString(j.Leaf)
	if err != nil {
		return bad("leaf")
	}
	p := ledger.Inclusion{Index: j.Index, Checkpoint: parts[2], Key: string(parts[1])}
	rest := []byte(nil)
	if p.Leaf, rest, err = recorder.DecodeLeaf(leaf); err != nil || len(rest) > 0 {
		return bad("leaf")
	}
	for _, s := range j.Path {
		h, err := tlog.ParseHash(s)
		if err != nil {
			return bad("path")
		}
		p.Path = append(p.Path, h)
	}
	return p, nil
}

// chain decodes the events and follows their chain past the leaf.
func chain(b []byte, leaf recorder.Leaf) (events []recorder.Event, h recorder.Head, err error) {
	h = recorder.Head{ID: leaf.ID}
	met := false
	for len(b) > 0 {
		var e recorder.Event
		if e, b, err = recorder.DecodeEvent(b); err != nil {
			return nil, h, fmt.Errorf("event %d: %w", h.Next, err)
		}
		if h, err = recorder.Advance(h, e); err != nil {
			return nil, h, fmt.Errorf("event %d: %w", h.Next, err)
		}
		if h.Next == leaf.Next {
			if met = h.Hash == leaf.Hash; !met {
				return nil, h, fmt.Errorf("%w: one of events 0 to %d is not what the log saw", recorder.ErrCorrupt, h.Next-1)
			}
		}
		events = append(events, e)
	}
	if !met {
		return nil, h, fmt.Errorf("%w: event %d is missing: the log saw %d", recorder.ErrCorrupt, h.Next, leaf.Next)
	}
	return events, h, nil
}
