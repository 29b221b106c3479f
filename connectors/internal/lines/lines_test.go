package lines

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

func TestSet(t *testing.T) {
	var s Set
	var far []net.Conn
	dial := s.Dial(func(context.Context, string, string) (net.Conn, error) {
		a, b := net.Pipe()
		far = append(far, b)
		return a, nil
	})
	one, err := dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t.Context(), "", ""); err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil || len(s.open) != 1 {
		t.Errorf("closed: %v, %d are open", err, len(s.open))
	}
	s.Close()
	s.Close()
	for _, c := range far {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a line stays open: %v", err)
		}
	}
	if _, err := dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dialed after the end: %v", err)
	}
	if _, err := far[2].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a line that came too late stays open: %v", err)
	}
}
