package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// TestWaitsForTheGatesOwn: who ran a statement while the workspace still loaded
// its catalog was told that another statement still runs, which nobody had typed.
// It waits, can be cancelled meanwhile, and then runs.
func TestWaitsForTheGatesOwn(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	if _, err := c.beginOwn(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := allow()
	if _, err := c.Query(ctx, g, connectors.Statement{Text: "select 1"}); !errors.Is(err, connectors.ErrCanceled) || len(g.Operations()) != 0 {
		t.Errorf("cancelled while it waits: %v, %d operations", err, len(g.Operations()))
	}
	done := make(chan error)
	go func() {
		_, _, _, err := run(t, c, allow(), "select 1")
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	c.end()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := c.Catalog(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsWaiting: what waits for its turn does not outlive the connection.
func TestCloseEndsWaiting(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	own, err := c.beginOwn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := c.Query(t.Context(), allow(), connectors.Statement{Text: "select 1"})
		done <- err
	}()
	go func() { _ = c.Close() }()
	<-own.Done() // Close ends what runs
	c.end()
	if err := <-done; !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("%v", err)
	}
}
