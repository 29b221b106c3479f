package http

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// Patch is what a JSON Patch (RFC 6902) asks besides what it writes down.
type Patch struct {
	// Moves is set where it copies or moves values: one that is masked where it is
	// would be none where it comes to.
	Moves bool
	// Tests are the places whose values it compares with its own: the answer tells
	// whether they are the same.
	Tests []string
}

// ReadPatch reads a body as a JSON Patch; ok is false where it is none that can be
// read in one way.
func ReadPatch(body []byte) (p Patch, ok bool) {
	var steps []json.RawMessage
	if body = bytes.TrimSpace(body); !bytes.HasPrefix(body, []byte("[")) || json.Unmarshal(body, &steps) != nil {
		return p, false
	}
	for _, s := range steps {
		var keys map[string]json.RawMessage
		if json.Unmarshal(s, &keys) != nil || !slices.ContainsFunc(slices.Collect(maps.Keys(keys)), func(k string) bool { return strings.EqualFold(k, "op") }) {
			continue // no step: a list of something else
		}
		var step struct {
			Op, Path string
			From     *json.RawMessage
		}
		if json.Unmarshal(s, &step) != nil || twice(s, "op") || twice(s, "path") {
			return p, false
		}
		switch step.Op {
		case "add", "replace", "remove":
		case "test":
			p.Tests = append(p.Tests, step.Path)
		default:
			p.Moves = true
		}
		p.Moves = p.Moves || step.From != nil
	}
	return p, true
}

// ErrMoves refuses such a patch where masks hide values by where they are.
var ErrMoves error = &policy.Refusal{Rule: "masks", Reason: "the patch copies or moves values, so that a mask would not know them where they come to", Hint: "write values down: add, replace, remove"}

// Moves reports whether a request may be a JSON Patch that copies or moves values.
// What its Content-Type says does not count: services differ in whether they look.
func Moves(method string, body []byte) bool {
	if method != "PATCH" || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return false
	}
	p, ok := ReadPatch(body)
	return !ok || p.Moves
}
