package connectortest

import (
	"errors"
	"os"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// testAppended: who was let put something behind what a file holds was not let cut
// that off. It is judged as an operation of its own.
func (s *suite) testAppended(t *testing.T) {
	dir, local := s.folder(t)
	if err := os.WriteFile(local+"/log", []byte("kept"), 0o666); err != nil {
		t.Fatal(err)
	}
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		f, err := s.fileOpen(s.context(t), conn, g, connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/log", Append: true})
		if err != nil {
			t.Fatal(err)
		}
		none := int64(0)
		if err := f.Set(connectors.FileAttributes{Size: &none}); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("cut off: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, p := range g.Permits() {
		if p.Op.Facts.Destructive {
			t.Errorf("%q is destructive", p.Op.Text)
		}
	}
	if b, err := os.ReadFile(local + "/log"); err != nil || string(b) != "kept" {
		t.Errorf("left: %q, %v", b, err)
	}
}
