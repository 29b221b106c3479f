package redis

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is looked at for the catalog: a sample, in steps, never all keys.
const (
	scanSteps   = 40
	scanCount   = "250"
	maxPatterns = 200
	maxFields   = "64"
	mostFields  = 40 // of a hash; one that has more is a map of something
	siblings    = 8  // patterns that differ in their last part alone; more are one
)

// Catalog samples the keys and tells what they are called like: user:* for user:17 and
// user:18, each with the columns that masks and policies know its values by. A pattern
// of few keys may be missing.
func (c *Conn) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	c.side <- struct{}{}
	defer func() { <-c.side }()
	if err := c.guard.Note(ctx, "SCAN 0 COUNT "+scanCount+", up to "+itoa(scanSteps)+" times; of each pattern of keys TYPE, and of a hash HRANDFIELD, of one"); err != nil {
		return nil, err
	}
	samples, err := c.sample(ctx)
	if err != nil {
		return nil, failure(ctx, err)
	}
	var out []connectors.Relation
	for pattern, key := range gathered(samples) {
		r := connectors.Relation{Schema: c.database, Name: pattern, Kind: policy.TablePlain}
		if r.Columns, err = c.columnsOf(ctx, key); err != nil {
			return nil, failure(ctx, err)
		}
		if r.Columns != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b connectors.Relation) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// sample finds a key for each pattern.
func (c *Conn) sample(ctx context.Context) (map[string]string, error) {
	samples := map[string]string{}
	cursor := "0"
	for range scanSteps {
		keys, err := c.texts(ctx, "SCAN", cursor, "COUNT", scanCount)
		if denied(err) {
			return samples, nil // a login that may not look shows nothing
		}
		if err != nil {
			return nil, err
		}
		if len(keys) == 0 {
			return nil, malformed("SCAN without a cursor")
		}
		for _, k := range keys[1:] {
			p := patternOf(k)
			if _, ok := samples[p]; !ok && len(samples) < maxPatterns {
				samples[p] = k
			}
		}
		if cursor = keys[0]; cursor == "0" {
			break
		}
	}
	return samples, nil
}

// gathered makes one pattern of many that differ in their last part alone: user:ann,
// user:bob and so on are user:*.
func gathered(samples map[string]string) map[string]string {
	prefix := func(p string) string { return p[:strings.LastIndexAny(p, ":/|")+1] }
	count := map[string]int{}
	for p := range samples {
		count[prefix(p)]++
	}
	out := map[string]string{}
	for _, p := range slices.Sorted(maps.Keys(samples)) {
		name := p
		if count[prefix(p)] > siblings {
			name = prefix(p) + "*"
		}
		if _, ok := out[name]; !ok {
			out[name] = samples[p]
		}
	}
	return out
}

// columnsOf are the columns of a key's values, nil where the key is gone.
func (c *Conn) columnsOf(ctx context.Context, key string) ([]connectors.RelationColumn, error) {
	kind, err := c.texts(ctx, "TYPE", key)
	if err != nil || len(kind) == 0 {
		return nil, skipDenied(err)
	}
	switch kind[0] {
	case "none":
		return nil, nil
	case "hash":
		names, err := c.texts(ctx, "HRANDFIELD", key, maxFields)
		if err != nil {
			return []connectors.RelationColumn{{Name: "*", Type: "hash"}}, skipDenied(err)
		}
		return fieldsOf(names), nil
	case "zset":
		return []connectors.RelationColumn{{Name: valueColumn, Type: "zset"}, {Name: scoreColumn, Type: "double"}}, nil
	case "stream":
		return []connectors.RelationColumn{{Name: "*", Type: "stream"}}, nil
	}
	return []connectors.RelationColumn{{Name: valueColumn, Type: kind[0]}}, nil
}

// fieldsOf are the fields of a hash as columns. Names that are data, not names, are one
// column, *: what a catalog shows no mask covers.
func fieldsOf(names []string) []connectors.RelationColumn {
	out := []connectors.RelationColumn{}
	if len(names) > mostFields {
		names = []string{"*"}
	}
	for i, n := range names {
		if !nameLike(n) {
			names[i] = "*"
		}
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		out = append(out, connectors.RelationColumn{Name: n, Type: "hash"})
	}
	return out
}

// nameLike reports whether a text looks like the name of something: no addresses,
// numbers or tokens.
func nameLike(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' || c == '.'):
			return false
		}
	}
	return s != "" && len(s) <= 32 && digits <= 2
}

func skipDenied(err error) error {
	if denied(err) {
		return nil
	}
	return err
}

// maxTexts bounds an answer of texts.
const (
	maxTexts     = 100_000
	maxTextBytes = 256 << 20
)

// texts asks something over the second line, whose turn it is, and returns the leaves of
// the answer.
func (c *Conn) texts(ctx context.Context, args ...string) (out []string, err error) {
	err = c.guarded(ctx, c.second, func() error {
		from := c.second.read
		it, err := c.second.ask(args)
		if err != nil {
			return err
		}
		if said, ok := refusal(it); ok {
			return said
		}
		if !it.aggregate() {
			out = []string{string(it.text)}
			return nil
		}
		walk := walker{w: c.second, flat: true}
		if err := walk.enter(it); err != nil {
			return err
		}
		for {
			l, err := walk.next()
			if isEOF(err) {
				return nil
			}
			if err != nil || len(out) == maxTexts || c.second.read-from > maxTextBytes {
				c.second.broken = true
				return cmp.Or(err, malformed("more than was asked for"))
			}
			if l.kind != isEmpty {
				out = append(out, string(l.text))
			}
		}
	})
	return out, err
}

// maxPattern bounds what is shown of a key that is no text.
const maxPattern = 128

// patternOf is what a key is called like: its parts, with * for those that number, or
// are long, or no words. Parts end at ':', '/' and '|'.
func patternOf(key string) string {
	if !plain([]byte(key)) || len(key) > maxPattern {
		if head, _, ok := strings.Cut(key, ":"); ok && nameLike(head) {
			return head + ":*"
		}
		return "*"
	}
	var b strings.Builder
	part := func(s string) {
		// Of a part that is none of a name nothing shows: keys hold addresses and tokens.
		if strings.ContainsAny(s, "0123456789@{}* ") || len(s) > 24 || !ascii(s) {
			s = "*"
		}
		if s != "*" || !strings.HasSuffix(b.String(), "*") {
			b.WriteString(s)
		}
	}
	from := 0
	for i := range len(key) {
		if strings.IndexByte(":/|", key[i]) >= 0 {
			part(key[from:i])
			b.WriteByte(key[i])
			from = i + 1
		}
	}
	part(key[from:])
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
