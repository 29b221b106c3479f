package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// What ran into its time says so, for whoever puts the rule's name to it.
func TestLate(t *testing.T) {
	w := newTwins(t)
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, Timeout: 50 * time.Millisecond}
	}}
	r, err := w.kept(t, w.a).Query(t.Context(), g, connectors.Statement{Text: "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"})
	if err == nil {
		_, err = r.Batch(t.Context(), 1)
		_ = r.Close()
	}
	var te *connectors.TargetError
	if !errors.As(err, &te) || !te.Late {
		t.Errorf("%v", err)
	}
}
