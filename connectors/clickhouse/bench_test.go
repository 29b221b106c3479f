package clickhouse

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkAnswer reads rows of a thousand bytes, and rows of small values.
func BenchmarkAnswer(b *testing.B) {
	for name, row := range map[string]string{
		"texts":   `["1","` + strings.Repeat("x", 1000) + `"]`,
		"escapes": `["1","` + strings.Repeat(`\n\"`, 250) + `"]`,
		"small":   `["1",2,null,"abc",[1,2],"2020-01-01"]`,
	} {
		b.Run(name, func(b *testing.B) {
			columns := strings.Count(strings.Replace(row, "[1,2]", "", 1), ",") + 1
			meta := strings.TrimSuffix(strings.Repeat(`{"name":"a","type":"String"},`, columns), ",")
			body := fmt.Sprintf(`{"meta":[%s],"data":[%s`, meta, row) + strings.Repeat(","+row, 9999) + `],"rows":10000}`
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				rows, err := drained(strings.NewReader(body))
				if err != nil || len(rows) != 10000 {
					b.Fatal(len(rows), err, errors.Is(err, io.EOF))
				}
			}
		})
	}
}
