package connectortest

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

func (s *suite) ended(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-s.context(t).Done():
		t.Fatal("the operation did not end")
		return nil
	}
}

// testAbandoned closes an answer after its first rows.
func (s *suite) testAbandoned(t *testing.T) {
	g := &Guard{Discard: true, said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		for range 3 {
			r, err := conn.(connectors.Querier).Query(s.context(t), g, connectors.Statement{Text: s.SQL.Large(100_000)})
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			if _, err := r.Batch(s.context(t), 3); err != nil {
				t.Errorf("batch: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("second close: %v", err)
			}
		}
	})
}
