package postgres

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// These tests run in both builds: go test ./connectors/postgres and
// CGO_ENABLED=0 go test ./connectors/postgres.

// hostile overflows the parser's stack: C's in the one build, WebAssembly's in
// the other.
var hostile = "select " + strings.Repeat("1+", 60_000) + "1"

// TestHostile: the statement that kills its worker is unknown, says so, and
// others go on while it does, whatever their number.
func TestHostile(t *testing.T) {
	t.Logf("parser: %s", parserName)
	d := New(Options{})
	defer d.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			text, class := "select "+strings.Repeat("1+", i)+"1", policy.Read
			if i%4 == 3 {
				text, class = hostile+strings.Repeat(" ", i), policy.Unknown
			}
			f, err := d.Classify(t.Context(), text)
			if err != nil || f.Class != class {
				t.Errorf("%.40q: %s, %v, want %s", text, f.Class, err, class)
			}
			if class == policy.Unknown && (f.Why == "" || !f.Opaque) {
				t.Errorf("it does not say why: %+v", f)
			}
		})
	}
	wg.Wait()
	f, err := d.Classify(t.Context(), "delete from t")
	if err != nil || f.Class != policy.Write || !f.Destructive {
		t.Errorf("afterwards: %+v, %v", f, err)
	}
}

// TestKillerIsCached: the same hostile text costs one worker, not one each time.
func TestKillerIsCached(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	short := hostile[:len("select ")+2*30_000] + "1" // short enough to be kept
	for range 3 {
		f, err := d.Classify(t.Context(), short)
		if err != nil || f.Class != policy.Unknown {
			t.Fatalf("%s, %v", f.Class, err)
		}
	}
	if j, ok := d.cache.get(short); !ok || j.Class != policy.Unknown {
		t.Error("the judgement was not kept")
	}
}

func TestRefused(t *testing.T) {
	d := New(Options{Worker: []string{"/nonexistent"}}) // no worker is needed to refuse
	defer d.Close()
	for _, text := range []string{"select '\xff'", "select '\x00'", strings.Repeat(" ", maxText+1)} {
		f, err := d.Classify(t.Context(), text)
		if err != nil || f.Class != policy.Unknown || f.Why == "" {
			t.Errorf("%.20q: %+v, %v", text, f, err)
		}
	}
	f, err := d.Classify(t.Context(), "select 1")
	if err == nil || f.Class != policy.Unknown {
		t.Errorf("without a worker: %+v, %v", f, err)
	}
}

// TestLargest: the largest text is judged, and the reply is not cut.
func TestLargest(t *testing.T) {
	text := "insert into t values (1,'abc')"
	text += strings.Repeat(",(1,'abcdefghijklmnop')", (maxText-len(text))/23)
	f, err := testDriver().Classify(t.Context(), text)
	if err != nil || f.Class != policy.Write || len(f.Tables) != 1 {
		t.Errorf("%s (%s), %v", f.Class, f.Why, err)
	}
}

// TestIdleWorkerDies: a worker that died by itself is not held against the
// statement that finds it dead.
func TestIdleWorkerDies(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	if _, err := d.Classify(t.Context(), "select 0"); err != nil {
		t.Fatal(err)
	}
	d.pool.mu.Lock()
	for w := range d.pool.all {
		w.kill()
		_, _ = w.cmd.Process.Wait() // dead before the next line, not some time after
	}
	d.pool.mu.Unlock()
	for _, text := range []string{"select 1", "select 2", "select 3"} {
		if f, err := d.Classify(t.Context(), text); err != nil || f.Class != policy.Read {
			t.Errorf("%q: %s (%s), %v", text, f.Class, f.Why, err)
		}
	}
}

// TestCloseLeavesNothing: no goroutine, and no process, also while judging.
func TestCloseLeavesNothing(t *testing.T) {
	testDriver().Warm()
	before := runtime.NumGoroutine()
	var procs []*os.Process
	for i := range 3 {
		d := New(Options{})
		var wg sync.WaitGroup
		if i > 0 {
			for range 4 {
				wg.Go(func() { _, _ = d.Classify(t.Context(), "select 1"+strings.Repeat(" ", i)) })
			}
		}
		if i > 1 {
			wg.Wait()
		}
		d.pool.mu.Lock()
		for w := range d.pool.all {
			procs = append(procs, w.cmd.Process)
		}
		d.pool.mu.Unlock()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := len(d.pool.all); n != 0 {
			t.Errorf("%d workers are left", n)
		}
		if f, err := d.Classify(t.Context(), "select 2"); err == nil || f.Class != policy.Unknown {
			t.Errorf("after Close: %s, %v", f.Class, err)
		}
	}
	for _, p := range procs {
		if err := p.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("process %d is not reaped: %v", p.Pid, err)
		}
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			b := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
		}
	}
}

// TestWorkerEndsWithItsInput: a worker whose parent is gone ends by itself, and
// what it was given is not in its environment.
func TestWorkerEndsWithItsInput(t *testing.T) {
	w, err := startWorker([]string{self(), WorkerArgument})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.cmd.Env) != 0 {
		t.Errorf("environment %v", w.cmd.Env)
	}
	if runtime.GOOS == "linux" {
		env, err := os.ReadFile("/proc/" + itoa(w.cmd.Process.Pid) + "/environ")
		if err != nil || len(env) != 0 {
			t.Errorf("environment %q, %v", env, err)
		}
		if _, _, err := w.ask("select 1", false); err != nil { // it has limited itself by then
			t.Fatal(err)
		}
		limits, err := os.ReadFile("/proc/" + itoa(w.cmd.Process.Pid) + "/limits")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(limits)) {
			f := strings.Fields(line)
			if strings.HasPrefix(line, "Max core file size") && f[4] != "0" {
				t.Errorf("limit: %s", line)
			}
			if strings.HasPrefix(line, "Max address space") && addressSpace != 0 && f[3] == "unlimited" {
				t.Errorf("limit: %s", line)
			}
		}
	}
	_ = w.in.Close()
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// TestBadWorker: what answers nonsense is not believed.
func TestBadWorker(t *testing.T) {
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	d := New(Options{Worker: []string{echo, "nonsense"}})
	defer d.Close()
	if f, err := d.Classify(t.Context(), "select 1"); err == nil || f.Class != policy.Unknown {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestClassifyGivesUp(t *testing.T) {
	d := New(Options{Worker: []string{"/nonexistent"}})
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Classify(ctx, "select 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// FuzzFrames: whatever comes in, the worker answers whole frames or ends, and
// never answers more requests than it got.
func FuzzFrames(f *testing.F) {
	frame := func(s string) string {
		var b bytes.Buffer
		_ = writeFrame(bufio.NewWriter(&b), []byte(s))
		return b.String()
	}
	f.Add([]byte(frame("select 1") + frame("")))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte(frame("x")[:3]))
	f.Add([]byte("\x80\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		asked := 0
		err := serveFrames(bytes.NewReader(in), &out, func(s string) (*judgement, error) {
			if asked++; len(s)%2 == 1 {
				return nil, &syntaxError{Message: s}
			}
			return &judgement{Verb: s, Class: policy.Read}, nil
		}, func(s string) ([]byte, error) {
			asked++
			return json.Marshal(s)
		})
		answered := 0
		for r := bufio.NewReader(&out); ; answered++ {
			if _, rerr := r.ReadByte(); errors.Is(rerr, io.EOF) {
				break
			}
			b, rerr := readFrame(r, 1<<30)
			if rerr != nil || !json.Valid(b) {
				t.Fatalf("reply %d: %q, %v", answered, b, rerr)
			}
		}
		if answered != asked || (err == nil) != (consumed(in)) {
			t.Errorf("%d asked, %d answered, %v", asked, answered, err)
		}
	})
}

// consumed reports whether in is a sequence of whole frames.
func consumed(in []byte) bool {
	r := bytes.NewReader(in)
	for {
		_, _, err := readRequest(r)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// BenchmarkJudge: what a statement costs with a warm worker, from the cache, and
// resolved against a catalog of a thousand relations.
func BenchmarkJudge(b *testing.B) {
	d := testDriver()
	texts := map[string]string{
		"short":   "select u.id, u.email from users u where u.id = 1",
		"join":    "select c.tier, count(*) as n, sum(o.total) from orders o join customers c on c.id = o.customer_id where o.placed_at > now() - interval '1 day' and o.status in ('new', 'paid') group by c.tier having count(*) > 3 order by n desc limit 20",
		"delete":  "delete from payments where id in (select id from payments where method = 'x' limit 5)",
		"plpgsql": "do $$ begin update orders set status = 'x' where id = 1; end $$",
	}
	cat := &catalog{relations: map[[2]string]relation{}, visible: map[string]relation{}}
	for i := range 1000 {
		r := relation{schema: "public", name: "t" + itoa(i), kind: policy.TablePlain, columns: []string{"id", "email", "status"}}
		cat.relations[[2]string{r.schema, r.name}], cat.visible[r.name] = r, r
	}
	for _, name := range []string{"short", "join", "delete", "plpgsql"} {
		b.Run("worker/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.pool.judge(b.Context(), texts[name]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("parser/"+name, func(b *testing.B) { // in process, without judging
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parseNodes(texts[name]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("judge/"+name, func(b *testing.B) { // in process, with it
			b.ReportAllocs()
			for b.Loop() {
				if _, err := judgeText(texts[name]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("cached/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				j, err := d.judge(b.Context(), texts[name])
				if err != nil {
					b.Fatal(err)
				}
				_ = resolve(j, cat)
			}
		})
	}
}

// TestManyNames: what would take long to judge is not judged, and what is long
// but simple is.
func TestManyNames(t *testing.T) {
	var names, ors, ins, nested strings.Builder
	for i := range 60_000 {
		names.WriteString(", c" + itoa(i))
		ors.WriteString(" or id = " + itoa(i))
		ins.WriteString(", " + itoa(i))
	}
	nested.WriteString("delete from a where x in ")
	for range 60 {
		nested.WriteString("(select a.x from a, b, c, d where a.x in ")
	}
	nested.WriteString("(select x from a where x is not null)" + strings.Repeat(")", 60))
	for text, want := range map[string]string{
		"select 1" + names.String():                                       "unknown",
		"delete from t where id = 1" + ors.String():                       "write!",
		"delete from t where id in (1" + ins.String() + ")":               "write",
		"delete from t where id = 1" + strings.Repeat(" or id = 7", 4000): "write",
		nested.String(): "write!",
	} {
		f, err := testDriver().Classify(t.Context(), text)
		got := f.Class.String()
		if f.Destructive {
			got += "!"
		}
		if err != nil || got != want {
			t.Errorf("%.60q: %s (%.200s), %v, want %s", text, got, f.Why, err, want)
		}
	}
}

// TestKillTimer: a worker that does not answer is killed, and who waits is told.
func TestKillTimer(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	d := New(Options{Worker: []string{sleep, "3600"}})
	d.pool.timeout = 20 * time.Millisecond // nothing has been started yet
	defer d.Close()
	if f, err := d.Classify(t.Context(), "select 1"); err == nil || f.Class != policy.Unknown || f.Why == "" {
		t.Errorf("%+v, %v", f, err)
	}
}
