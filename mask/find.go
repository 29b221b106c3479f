package mask

import (
	"cmp"
	"slices"
)

// Hit is where a detector found something in a value: bytes, end exclusive.
type Hit struct {
	Detector   string
	Start, End int
}

// Find returns what the content detectors find in a value, in the order of where
// it begins. Hits of different detectors may overlap: a token that is a URL's
// password. What escape sequences and characters without width stand within a hit
// is part of it. A nil plan finds all.
func (p *Plan) Find(s string) []Hit {
	if p.closed() {
		return []Hit{{End: len(s)}}
	}
	data := []byte(s)
	t := text{final: true, search: p.search, off: []int32{}}
	var r reader
	var hits []Hit
	gather := func(t *text, data []byte, base int) {
		spans, _ := t.scan(nil)
		for _, s := range spans {
			hits = append(hits, Hit{nameOf(s.by, p.custom), base + t.raw(s.start, 0), base + t.rawEnd(s.end-1, 0, data)})
		}
	}
	at := 0
	r.project(&t, data, 0, len(data), func(payload []byte) {
		inner := text{final: true, search: p.search, off: []int32{}}
		q := reader{inStr: true}
		q.project(&inner, payload, 0, len(payload), nil)
		at += indexOf(data[at:], string(payload))
		gather(&inner, payload, at)
	})
	gather(&t, data, 0)
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	merged := hits[:0]
	for _, h := range hits {
		if n := len(merged); n > 0 && merged[n-1].Detector == h.Detector && h.Start <= merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, h.End)
			continue
		}
		merged = append(merged, h)
	}
	slices.SortStableFunc(merged, func(a, b Hit) int { return cmp.Compare(a.Start, b.Start) })
	return merged
}
