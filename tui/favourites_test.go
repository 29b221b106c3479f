package tui_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// order is the names of the list, from the top.
func order(d *tuitest.Driver) (names []string) {
	for _, l := range strings.Split(d.Frame(), "\n")[3:22] {
		left, _, _ := strings.Cut(l, "│")
		if f := strings.Fields(strings.TrimLeft(left, "▌▲ ")); len(f) > 1 {
			names = append(names, f[0])
		}
	}
	return names
}

func TestFavouritesAndRecents(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		for i, name := range []string{"zeta", "yoke", "xray", "wharf", "vane", "umber"} {
			b.Listings = append(b.Listings, tui.Listing{Resource: policy.Resource{Name: name, Kind: "ssh"}, Power: "shell",
				Sessions: []recorder.Head{{Header: recorder.Header{Started: time.Now().Add(-time.Duration(i+1) * time.Minute)}}}})
		}
		b.Favoured = []string{"gone", "ledger"}
		d := as(t, b, tuitest.Alice, 80, 24)
		recent := []string{"zeta", "yoke", "xray", "wharf", "vane"} // five, by when; the rest by name
		if got, want := order(d), slices.Concat([]string{"ledger"}, recent, []string{"demo-host", "orders-db", "orders-lite", "umber"}); !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
		d.See("ledger ★", "zeta 1m ")
		d.Keys("/", "demo", "down", "esc", "G", "f")
		d.See("umber comes first from now on", "▌  umber ★")
		if !slices.Contains(b.Favoured, "umber") {
			t.Errorf("kept are %q", b.Favoured)
		}
		d.Keys("g", "f")
		d.See("ledger is no favourite any more")
		if got := order(d); got[0] != "umber" || slices.Contains(b.Favoured, "ledger") {
			t.Errorf("listed %q, kept %q", got, b.Favoured)
		}
		b.Fail["favour"] = errors.New("the disk is full")
		d.Keys("g", "f")
		d.See("umber is as it was: the disk is full", "umber ★")
		b.Fail["favourites"] = errors.New("unreadable")
		d.Keys("ctrl+r")
		d.See("demo-host", "orders-lite")
	})
}

func TestLastResource(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		d.Keys("G", "-") // by the transcripts, of hours ago
		d.See("Resources › orders-db")
		d.Keys("ctrl+d", "orders-lite", "enter")
		d.See("Resources › orders-lite")
		d.Keys("ctrl+d", "g", "-")
		d.See("Resources › orders-lite")
		d.Keys("ctrl+d")
		b.Listings = b.Listings[:2]
		d.Keys("ctrl+r", "-")
		d.See("orders-lite was opened last, and is not among what you may open now")
		d.Keys("/", "-")
		d.See("/ -")

		b = tuitest.NewBastion(time.Now)
		b.Listings = b.Listings[:1]
		d = as(t, b, tuitest.Alice, 80, 24)
		d.Keys("-")
		d.See("nothing was opened before")
	})
}

func TestActions(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		d.Keys(":", "fav", "enter")
		d.See("orders-db ★")
		d.Miss("Actions")
		d.Keys(":", "zzz")
		d.See("nothing here is called that")
		d.Keys("enter")
		d.See("Actions")
		d.Keys("esc")
		d.Miss("Actions")
		d.Keys(":", "appr", "enter")
		d.See("Nothing waits for you")
		d.Keys(":", "resou", "enter", "orders-lite", "enter", "select 1 where ':' = ':'")
		d.See("':' = ':'") // is text here
		d.Miss("Actions")
		d.Keys("alt+:", "run", "enter")
		if got := b.Space().Ran(); !slices.Equal(got, []string{"select 1 where ':' = ':'"}) {
			t.Errorf("ran %q", got)
		}
		d.Keys("alt+:")
		d.Paste("sign")
		d.Keys("enter")
		d.See("Sign out?")
		d.Keys("n", "alt+:", "help", "enter")
		d.See("A statement runs with")
		d.Resize(60, 18)
		d.Keys("esc", "alt+:", "down", "down", "backspace")
		d.Miss("Actions")
	})
}
