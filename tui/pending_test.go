package tui_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// What takes longer than a second says how long it has taken, and can be given up.
func TestWhatTakesLongSaysSo(t *testing.T) {
	hold := func(b *tuitest.Bastion, call string) { b.Hold = map[string]chan struct{}{call: make(chan struct{})} }
	for _, c := range []struct {
		name, hold string
		keys       []string
		see        string
		stop       string // gives it up
		then       string
	}{
		{"the list of resources", "resources", nil, "loading  0:03", "", ""},
		{"opening", "open", []string{"orders-db", "enter"}, "opening orders-db  0:03", "esc", "/ orders-db"},
		{"the list of transcripts", "transcripts", []string{"3"}, "loading  0:03", "", ""},
		{"opening a transcript", "replay", []string{"3", "enter"}, "opening  0:03", "", ""},
		{"searching", "search", []string{"3", "/", "drop", "enter"}, "searching  0:03", "esc", "enter finds it"},
		{"approvals", "approvals", []string{"2"}, "loading  0:03", "", ""},
		{"the catalog", "catalog", []string{"orders-db", "enter"}, "loading  0:03", "", ""},
		{"why", "explain", []string{"orders-db", "enter", "select 1", "f5"}, "asking  0:03", "esc", "select 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tuitest.Run(t, func(t *testing.T) {
				b := tuitest.NewBastion(time.Now)
				b.Tapes()
				hold(b, c.hold)
				d := as(t, b, tuitest.Alice, 80, 24)
				d.Keys(c.keys...)
				d.Advance(3200 * time.Millisecond)
				d.See(c.see)
				if c.stop != "" {
					d.Keys(c.stop)
					d.Miss(c.see)
					d.See(c.then)
				}
				close(b.Hold[c.hold])
			})
		})
	}
}

// A statement that was cancelled before its first row says so, and no more.
func TestCancelledBeforeRows(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Slow = time.Minute
		d := open(t, b, tuitest.Alice, 80, 24)
		d.Keys("select * from customers;", "enter")
		d.Advance(2 * time.Second)
		d.See("running  0:02", "ctrl+c cancels")
		d.Keys("ctrl+c")
		d.See("Cancelled", "the statement was cancelled and the database was told")
		d.Miss("no rows", "tab result")
	})
}

// What the gate did by itself is one line between what people did, until it is asked for.
func TestOwnStatementsFold(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		h := recorder.Header{ID: "20261123T1801-0009", Started: b.Now(), Identity: recorder.Person{Email: "alice@example.com"}, Resource: "orders-db", Kind: "mysql", Action: "sql"}
		tape := tuitest.NewTape(h)
		for i := range 9 {
			tape.JSON(recorder.KindNote, recorder.Note{Text: fmt.Sprintf("select %d from information_schema.tables", i)})
		}
		tape.JSON(recorder.KindOperation, recorder.Operation{Op: 1, Action: "sql", Text: "delete from orders"})
		tape.JSON(recorder.KindRows, recorder.Rows{Op: 1})
		b.Heads, b.Events = []recorder.Head{tape.Head(h, 1)}, map[recorder.ID][]recorder.Event{h.ID: tape.Events}
		d := as(t, b, tuitest.Carol, 80, 24)
		d.Keys("3", "enter", "G")
		d.See("select 0 from", "and 8 more, o shows them", "delete from orders")
		d.Miss("select 8 from", "0 more rows")
		d.Keys("o")
		d.See("select 0 from", "select 8 from")
	})
}

// Where a session is in one database, its name does not stand before every table.
func TestOneDatabase(t *testing.T) {
	for _, c := range []struct {
		kind, other string
		want        string
	}{{"mysql", "shop", "│ stock "}, {"mysql", "ware", "│ shop.stock "}, {"postgres", "shop", "│ shop.stock "}} {
		tuitest.Run(t, func(t *testing.T) {
			b := tuitest.NewBastion(time.Now)
			b.Listings = append(b.Listings, tui.Listing{Resource: policy.Resource{Name: "warehouse", Kind: c.kind}, Power: "sql"})
			b.Catalog = []connectors.Relation{{Schema: "shop", Name: "stock"}, {Schema: c.other, Name: "places"}}
			d := as(t, b, tuitest.Alice, 80, 24)
			d.Keys("warehouse", "enter")
			d.See(c.want)
		})
	}
}

// The preview is read to its end by tab.
func TestPreviewScrolls(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		var masks []policy.MaskRule
		for i := range 40 {
			masks = append(masks, policy.MaskRule{Method: "redact", Column: fmt.Sprintf("a.column_of_a_long_name_%d", i)})
		}
		masks = append(masks, policy.MaskRule{Method: "redact", Column: "the.last"})
		b.Listings[1].Masks = masks
		d := as(t, b, tuitest.Alice, 80, 24)
		d.See("tab more", "more lines, tab")
		d.Miss("the.last")
		for range 8 {
			if strings.Contains(d.Frame(), "the.last") {
				break
			}
			d.Keys("tab")
		}
		d.See("the.last")
		d.Keys("j")
		d.See("│ demo-host")
	})
}

// An error that does not fit on a line is read whole all the same.
func TestLongErrorIsWhole(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		d.Keys("j", "enter") // a shell: the program ends for it
		d.App.Attached("", errors.New("demo-host: target is unreachable: dial tcp 127.0.0.1:9: connect: connection refused, tried three addresses; is it up, and may the bastion reach it?"))
		d.Start()
		d.See("✗ demo-host: target", "reach it?")
		d.See("✗ last time: demo-host: target")
		d.Keys("j")
		d.Miss("connection refused,")
		b.Fail["open"] = fmt.Errorf(`open "orders-db": %w`, errors.New("target refused the credential, which the vault gave out a minute ago; its clock may be wrong"))
		d.Keys("orders-db", "enter")
		d.See("✗ orders-db: target refused", "clock may be wrong")
		d.Advance(time.Minute)
		d.See("last time: target refused", "be wrong")
		delete(b.Fail, "open")
		d.Keys("esc", "orders-db", "enter", "ctrl+d")
		d.Miss("last time")
	})
}

// The list that is seen again is asked for when the session below is closed.
func TestListIsAskedAfterClose(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := open(t, b, tuitest.Alice, 80, 24)
		var closed []int
		b.Listed = func() { n, _ := b.Space().Closed(); closed = append(closed, n) }
		d.Keys("ctrl+d")
		if !slices.Equal(closed, []int{1}) {
			t.Errorf("the session was closed %v times when the list was asked for", closed)
		}
	})
}
