package mask_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/mask"
)

// inputs are what streams are like, 1 MiB each, the same ones at each run.
func inputs() map[string][]byte {
	r := rand.New(rand.NewPCG(5, 6))
	const size = 1 << 20
	fill := func(line func() string) []byte {
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(line())
		}
		return []byte(b.String()[:size])
	}
	clean := func() string {
		return fmt.Sprintf("2024-11-23T10:%02d:%02d.%06dZ INFO [worker-%d] handled request path=/api/v2/orders/%d status=200 bytes=%d took=%.3fms\n",
			r.IntN(60), r.IntN(60), r.IntN(1e6), r.IntN(16), r.IntN(1e8), r.IntN(1e5), r.Float64()*100)
	}
	row := func() string {
		return fmt.Sprintf("%d|user.%d@example.com|4111 1111 1111 1111|734-55-%04d|+44 20 7946 %04d|DE82263510988860020746|%s\n", r.IntN(1e5), r.IntN(1e6), 1+r.IntN(9000), r.IntN(1e4), "Tomas Fontaine, 17 Rue de la Paix")
	}
	record := func() string { // a row among whose columns five are sensitive
		return fmt.Sprintf("%d|Tomas %c. Fontaine|user%d@example%d.com|4111 1111 1111 1111|(415) 555-%04d|DE82263510988860020746|%03d-%02d-%04d|123 Main Street, Springfield|note text without anything sensitive, called back about the order of last week|2024-11-23T10:%02d:%02d.%03dZ\n",
			r.IntN(1e5), 'A'+r.IntN(26), r.IntN(1e6), r.IntN(99), r.IntN(1e4), 100+r.IntN(800), 1+r.IntN(98), 1+r.IntN(9998), r.IntN(60), r.IntN(60), r.IntN(1000))
	}
	some := func(percent int) func() string {
		return func() string {
			if r.IntN(100) < percent {
				return row()
			}
			return clean()
		}
	}
	return map[string][]byte{
		"clean":  fill(clean),
		"1%":     fill(some(1)),
		"20%":    fill(some(20)),
		"dense":  fill(row),
		"rows":   fill(record),
		"words":  fill(func() string { return "the quick brown fox jumps over the lazy dog and then some more\n" }),
		"colour": fill(func() string { return "\x1b[32m" + strings.TrimSuffix(clean(), "\n") + "\x1b[0m\n" }),
		"unicode": fill(func() string {
			return "Прикладная строка журнала, без чисел: " + clean()
		}),
		"base64": fill(func() string {
			b := make([]byte, 77)
			for i := range b[:76] {
				b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[r.IntN(64)]
			}
			b[76] = '\n'
			return string(b)
		}),
	}
}

const benchChunk = 32 << 10

// ten are the detectors that the peers have too.
var ten = []string{"card", "email", "ssn", "phone", "iban", "aws_key_id", "github_token", "jwt", "pem_private_key", "slack_token"}

// tenPatterns are those ten as one would write them by regular expressions.
var tenPatterns = []*regexp.Regexp{
	regexp.MustCompile(`\b\d(?:[ -]?\d){12,18}\b`),
	regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`),
	regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
	regexp.MustCompile(`(?:\+\d{1,3}[ .-]?)?\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b`),
	regexp.MustCompile(`\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`),
	regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`),
	regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`),
	regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`),
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`),
	regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`),
}

// BenchmarkWriter runs the streaming masker beside its peers: a plain copy, and
// the same ten detectors as regular expressions, run one after another. Both are
// timed right before the masker, over the same bytes; x/regexp is how many times as
// fast as them it is, copy/x how many times as fast as it copying is.
func BenchmarkWriter(b *testing.B) {
	all := inputs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		data := all[name]
		b.Run(name+"/ten", func(b *testing.B) { besides(b, data, plan(b, ten...).Writer(io.Discard)) })
		b.Run(name+"/all", func(b *testing.B) { besides(b, data, plan(b).Writer(io.Discard)) })
	}
}

// besides times a masker and, before it, its peers.
func besides(b *testing.B, data []byte, w io.Writer) {
	mask := func(c []byte) {
		if _, err := w.Write(c); err != nil {
			b.Fatal(err)
		}
	}
	regexps := quickest(data[:len(data)/8], 12, func(c []byte) {
		for _, re := range tenPatterns {
			c = re.ReplaceAll(c, []byte("[masked]"))
		}
	})
	out := make([]byte, benchChunk)
	copied := quickest(data, 60, func(c []byte) { copy(out, c) })
	masked := quickest(data, 60, mask)
	rate(b, data, mask)
	b.ReportMetric(masked, "best-MB/s")
	b.ReportMetric(masked/regexps, "x/regexp")
	b.ReportMetric(copied/masked, "copy/x")
}

// quickest is the rate, in MB/s, at which f takes data in pieces, each at its best
// of some passes: what else a machine does slows some down, and speeds none up.
func quickest(data []byte, passes int, f func([]byte)) float64 {
	const piece = 8 << 10
	best := make([]time.Duration, len(data)/piece)
	for pass := range passes {
		for i := range best {
			begin := time.Now()
			f(data[i*piece : (i+1)*piece])
			if took := time.Since(begin); pass == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	var sum time.Duration
	for _, d := range best {
		sum += d
	}
	return float64(len(best)*piece) / 1e6 / sum.Seconds()
}

// chunks writes data as a session does.
func chunks(data []byte, write func([]byte)) {
	for len(data) > 0 {
		n := min(benchChunk, len(data))
		write(data[:n])
		data = data[n:]
	}
}

// rate writes data in chunks, over and over. Beside the rate by the clock it
// reports the one by the processor's time.
func rate(b *testing.B, data []byte, write func([]byte)) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.ResetTimer()
	begin := spent()
	for b.Loop() {
		chunks(data, write)
	}
	b.ReportMetric(float64(b.N)*float64(len(data))/1e6/(spent()-begin).Seconds(), "MB/cpu-s")
}

// BenchmarkJSON runs the masker of JSON over a list such as an API answers with,
// by paths and detectors, beside the library's reading and writing of the same.
func BenchmarkJSON(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	var list []map[string]any
	for i := range 2000 {
		list = append(list, map[string]any{"id": i, "name": "Tomas Fontaine", "email": fmt.Sprintf("user%d@example.com", r.IntN(1e6)), "salary": r.IntN(1e5),
			"created": "2024-11-23T10:15:30.123456Z", "active": i%2 == 0, "note": "called back about the \"order\" of last week", "tags": []string{"gold", "emea"}})
	}
	data, err := json.Marshal(map[string]any{"items": list})
	if err != nil {
		b.Fatal(err)
	}
	p, paths := jsonPlan(b)
	for name, ps := range map[string]*mask.Paths{"paths": paths, "detectors": nil} {
		b.Run(name, func(b *testing.B) {
			library := whole(data, func() {
				var v any
				if err := json.Unmarshal(data, &v); err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
			})
			w := p.JSON(io.Discard, ps)
			mask := func(c []byte) {
				if _, err := w.Write(c); err != nil {
					b.Fatal(err)
				}
			}
			masked := whole(data, func() { chunks(data, mask) })
			rate(b, data, mask)
			b.ReportMetric(masked, "best-MB/s")
			b.ReportMetric(masked/library, "x/encoding-json")
		})
	}
}

// whole is quickest for what cannot be done in pieces.
func whole(data []byte, f func()) float64 {
	best := time.Duration(math.MaxInt64)
	for range 20 {
		begin := time.Now()
		f()
		best = min(best, time.Since(begin))
	}
	return float64(len(data)) / 1e6 / best.Seconds()
}

// spent is how much of the processor's time the process has had.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkText(b *testing.B) {
	p := plan(b)
	for name, s := range map[string]string{
		"name": "Tomas Fontaine", "time": "2024-11-23T10:15:30.123456Z", "email": "tomas.fontaine@example.com", "note": strings.Repeat("17 apples; ", 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Text(s)
			}
		})
	}
}
