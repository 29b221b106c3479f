package redis

import "testing"

// valued are statements whose answers hold values of keys, of every form.
var valued = []string{
	"GET k", "HGET k f", "HGETALL k", "HMGET k f g", "MGET k j", "LRANGE k 0 -1", "HSCAN k 0", "SSCAN k 0", "ZSCAN k 0", "ZRANGE k 0 -1", "ZRANGE k 0 -1 WITHSCORES", "XRANGE k - +", "XREAD STREAMS k j 0 0",
	"SMEMBERS k", "LPOP k 2", "ZPOPMIN k", "HRANDFIELD k 2 WITHVALUES", "GETRANGE k 0 1", "HVALS k", "EVAL x 0", "ZRANDMEMBER k 2 WITHSCORES",
}

// FuzzShape: whatever a server says, rows have their columns, the answer ends, and no
// value is taken for something that is none: that of the last column has an origin that
// names columns, or none that is known.
func FuzzShape(f *testing.F) {
	for i := range valued {
		for _, said := range []string{
			"$1\r\nv\r\n", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "%1\r\n$1\r\nf\r\n$1\r\nv\r\n", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
			"%1\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "*1\r\n-ERR v\r\n", "*0\r\n", "_\r\n",
		} {
			f.Add(uint8(i), []byte(said))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, said []byte) {
		text := valued[int(which)%len(valued)]
		j := assess(text, "0")
		w := pipe(said, false)
		it, err := w.begin()
		if err != nil {
			return
		}
		s, err := newShape(j, "0", w, it)
		if err != nil {
			return
		}
		for rows := 0; ; rows++ {
			vals, err := s.next()
			if err != nil {
				return
			}
			if rows > len(said) {
				t.Fatalf("%s: more rows than %d bytes can hold", text, len(said))
			}
			if len(vals) != len(s.columns) {
				t.Fatalf("%s: a row of %d values in %d columns", text, len(vals), len(s.columns))
			}
			last, column := vals[len(vals)-1], s.columns[len(vals)-1]
			from := last.From
			if from == nil {
				from = column.From
			}
			if from != nil && len(from.Columns) == 0 && !last.Null {
				t.Errorf("%s answered with %q: %q is taken for no value", text, said, last.Bytes)
			}
		}
	})
}
