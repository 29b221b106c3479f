package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
)

// A gibibyte into a container and back, with the same hash, in little memory.
func TestFilesGigabyte(t *testing.T) {
	if os.Getenv("SALLYPORT_BIG") == "" {
		t.Skip("SALLYPORT_BIG is not set: make big")
	}
	const size, piece = 1 << 30, 256 << 10
	g := &connectortest.Guard{}
	f := filesOf(dial(t, g, kubetest.Admin))
	dir, _ := inPod(t, "app")
	o, err := f.OpenFile(t.Context(), g, connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/big", Create: true, Truncate: true})
	if err != nil {
		t.Fatal(err)
	}
	b, sum := make([]byte, piece), sha256.New()
	for at := int64(0); at < size; at += piece {
		b[at/piece%piece]++
		sum.Write(b)
		if _, err := o.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	want := hex.EncodeToString(sum.Sum(nil))
	sum.Reset()
	if o, err = f.OpenFile(t.Context(), g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/big"}); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyBuffer(sum, struct{ io.Reader }{io.NewSectionReader(o, 0, 1<<40)}, b); err != nil || n != size {
		t.Fatal(n, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range g.Permits() {
		if f := p.Outcomes()[0].File; f.SHA256 != want || !f.Whole || f.Size != size {
			t.Errorf("on record is %+v, want %s", f, want)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if hex.EncodeToString(sum.Sum(nil)) != want || m.Sys > 200<<20 {
		t.Errorf("another file, or %d bytes of memory", m.Sys)
	}
	t.Logf("%d MiB of memory", m.Sys>>20)
}
