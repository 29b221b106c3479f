package mysql

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// endsWell is a line on which a statement that was killed ends as though it were
// whole, as MySQL's sleep() does. MariaDB was seen to once, too seldom to wait for.
type endsWell struct {
	net.Conn
	killed chan<- struct{}
}

func (e endsWell) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if i := bytes.Index(b[:n], []byte("\xff\x25\x05#70100")); i >= 4 { // ERR 1317, the packet's sequence number before it
		n = i - 4 + copy(b[i-4:], []byte{5, 0, 0, b[i-1], headEOF, 0, 0, statusTrans, 0})
		e.killed <- struct{}{}
	}
	return n, err
}

// An answer that may not go on is over: of what was on its way here nothing shows.
func TestNothingAfterTheEnd(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	ctx, cancel := context.WithCancelCause(t.Context())
	r, err := c.Query(ctx, &connectortest.Guard{}, connectors.Statement{Text: "select seq, repeat('x', 100) from seq_1_to_200000"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rows, err := r.Batch(t.Context(), 10); err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	why := errors.New("the right to it was lost")
	cancel(why)
	rows, err := r.Batch(t.Context(), 10)
	if len(rows) > 0 || !errors.Is(err, connectors.ErrCanceled) || !errors.Is(err, why) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	says(t, c, &connectortest.Guard{}, "select n from counters where id = 1", "0|")
}

// An answer that ended because it was cancelled once came as one of no rows: whoever
// reads it takes that for the truth.
func TestCancelledIsNotWhole(t *testing.T) {
	s, name := database(t, driverSchema)
	killed := make(chan struct{}, 9)
	e := endpoint(s, name)
	e.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, "unix", s.Socket())
		return endsWell{nc, killed}, err
	}
	c := dial(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		for t.Context().Err() == nil {
			rows, err := s.Query(t.Context(), "", "select 1 from information_schema.processlist where user = 'app' and info like 'select a.id%' and state = 'Sending data'")
			if err != nil || len(rows) > 0 {
				return
			}
		}
	}()
	got, err := answer(ctx, c, &connectortest.Guard{}, "select a.id from customers a, customers b, customers c, customers d, customers e where a.id + b.id + c.id + d.id + e.id = 1 order by a.id")
	if !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%q %v", got, err)
	}
	select {
	case <-killed:
	default:
		t.Error("the target did not end it as this test wants it to")
	}
	says(t, c, &connectortest.Guard{}, "select n from counters where id = 1", "0|")
}

// What ran into its time says so, for whoever puts the rule's name to it.
func TestLate(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, Timeout: 50 * time.Millisecond}
	}}
	_, err := answer(t.Context(), c, g, "select a.seq from seq_1_to_100000 a, seq_1_to_100000 b where a.seq + b.seq = 1 order by 1")
	var te *connectors.TargetError
	if !errors.As(err, &te) || !te.Late {
		t.Errorf("%v", err)
	}
}
