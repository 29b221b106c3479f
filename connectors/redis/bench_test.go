package redis

import (
	"errors"
	"io"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// BenchmarkJudge is what a key costs while one types.
func BenchmarkJudge(b *testing.B) {
	for b.Loop() {
		if f := Facts(`HMGET user:17 name email "a field"`); f.Class.String() != "read" {
			b.Fatal(f)
		}
	}
}

// BenchmarkRows reads rows of a kilobyte through the gate.
func BenchmarkRows(b *testing.B) {
	const rows = 20_000
	_, e := database(b, `EVAL "redis.call('sadd','wide',string.rep('x',1000))" 0`)
	conn := open(b, New(), e, &connectortest.Guard{})
	b.SetBytes(rows * 1000)
	for b.Loop() {
		r, err := conn.(connectors.Querier).Query(b.Context(), &connectortest.Guard{Discard: true}, connectors.Statement{Text: "SRANDMEMBER wide -20000"})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Batch(b.Context(), 500)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		_ = r.Close()
	}
}
