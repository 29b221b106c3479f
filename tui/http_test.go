package tui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// serving opens the HTTP service.
func serving(t *testing.T, b *tuitest.Bastion, w, h int) *tuitest.Driver {
	t.Helper()
	b.Listings = append([]tui.Listing{tuitest.ServiceListing()}, b.Listings...)
	d := as(t, b, tuitest.Alice, w, h)
	d.Keys("billing-api", "enter")
	d.Advance(200 * time.Millisecond)
	return d
}

func service(keys ...string) func(t *testing.T, w, h int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		d := serving(t, tuitest.NewBastion(time.Now), w, h)
		d.Keys(keys...)
		d.Advance(200 * time.Millisecond)
		return d
	}
}

// httpStates are golden frames of the page.
var httpStates = []state{
	{"http", true, service()},
	{"http-answer", true, service("ctrl+t", "customers", "enter", "enter", "j", "j", "j", "j")},
	{"http-folded", false, service("ctrl+t", "customers", "enter", "enter", "z", "j", "right", "j", "j", "enter")},
	{"http-mask", false, service("ctrl+t", "customers", "enter", "enter", "/", "masked", "enter", "m")},
	{"http-headers", false, service("ctrl+t", "customers", "enter", "enter", "h")},
	{"http-raw", false, service("ctrl+t", "customers", "enter", "enter", "r")},
	{"http-hostile", false, service("ctrl+a", "ctrl+k", "/hostile", "enter", "h")},
	{"http-fill", false, service("ctrl+t", "void", "enter", "10")},
	{"http-ask", true, service("ctrl+t", "void", "enter", "1003", "enter", "sent \"twice\"", "enter", "enter", "old")},
	{"http-refused", false, service("tab", "tab", "tab", "tab", "ctrl+u", "brew", "enter")},
	{"http-why", false, service("customers", "f5")},
	{"http-missing", false, service("x", "enter")},
}

// TestHTTPPage: a request from the list of saved ones to its answer.
func TestHTTPPage(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := serving(t, b, 80, 24)
		d.See("Request", "allowed by rule billing/looks", "Saved requests", "customers", "PRODUCTION")
		d.Keys("ctrl+t", "customers", "enter")
		d.See("/customers")
		d.Keys("enter")
		d.See("200 OK", "application/json", "40 values masked", `"customers": [`, `▒ "[masked]"`)
		if got := b.Serving().Sent(); len(got) != 1 || got[0] != "GET /customers\n\n" {
			t.Errorf("sent %q", got)
		}
		d.Keys("/", "Amelia", "enter")
		d.See(`▌       "name": "Amelia Almeida"`)
		d.Keys("z")
		d.See(`"customers": [ … 40 values ]`)
		d.Miss("Amelia Almeida")
		d.Keys("n")
		d.See("Amelia Almeida")
		d.Keys("Z", "j", "m")
		d.See("$.customers[1].email", "people ($.**.email)", "billing-support (dba)", "kept masked")
		d.Keys("esc", "h")
		d.See("Set-Cookie: ▒ [masked]")
		d.Keys("r")
		d.See(`{"customers":[`)
		d.Keys("esc", "ctrl+r", "enter")
		d.See("/customers")
		d.Keys("esc")
		d.See("billing-api", "filter")
		if times, _ := b.Serving().Closed(); times != 1 {
			t.Errorf("the session was closed %d times", times)
		}
	})
}

// TestHTTPApproval: placeholders are filled in, each in the form of its place, and
// what needs a yes waits for it in the same screen.
func TestHTTPApproval(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := serving(t, b, 80, 24)
		d.Keys("ctrl+t", "void", "enter", "1003/..", "enter")
		d.See("reason")
		d.Keys(`sent "twice"`, "enter")
		d.Advance(200 * time.Millisecond)
		d.See("/invoices/1003%2F../void", `{"reason": "sent \"twice\""}`, "needs approval from dba")
		d.Keys("enter")
		d.See("Needs approval", "two people change invoices", "Content-Type: application/json")
		d.Keys("enter")
		d.See("a reason is needed")
		d.Keys("case 7", "enter")
		d.See("Waiting for approval", "case 7")
		if got := b.Serving().Sent(); len(got) != 0 {
			t.Errorf("sent before it was approved: %q", got)
		}
		list, err := b.As(tuitest.Bob).Approvals(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if err := b.As(tuitest.Bob).Vote(t.Context(), list[0].ID, list[0].Hash, true, ""); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.See("404 Not Found")
		want := "POST /invoices/1003%2F../void\nContent-Type: application/json\n\n{\"reason\": \"sent \\\"twice\\\"\"}"
		if got := b.Serving().Sent(); len(got) != 1 || got[0] != want || list[0].Statement != want {
			t.Errorf("sent %q, asked for %q", got, list[0].Statement)
		}
	})
}

// TestHTTPStream: an answer shows as it comes, and ctrl+c ends it.
func TestHTTPStream(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := serving(t, b, 80, 24)
		d.Keys("events", "enter")
		d.Advance(2500 * time.Millisecond)
		d.See("200 OK", "data: event 3", "0:02")
		d.Miss("event 4")
		d.Keys("q") // is text: the answer does not have the focus while it comes
		d.Miss("Quit?")
		d.Keys("ctrl+c")
		d.Settle()
		d.See("cancelled", "data: event 3")
	})
}

// TestHTTPHostile: what a service says drives no terminal.
func TestHTTPHostile(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d := serving(t, tuitest.NewBastion(time.Now), 80, 24)
		d.Keys("hostile", "enter", "h")
		d.See(`\x1b]52;c;b3duZWQ=\x07first <U+202E>line`, `X-Title: \x1b]0;owned\x07`)
		if s := d.Styled(); strings.Contains(s, "\x1b]52") || strings.Contains(s, "\x1b]0;owned") || strings.Contains(s, "\u202e") {
			t.Error("the terminal is driven")
		}
	})
}

// TestHTTPEnds: the session ends from behind, and a request fails.
func TestHTTPEnds(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := serving(t, b, 80, 24)
		d.Keys("tab", "tab", "tab", "tab", "ctrl+u", "brew", "enter")
		d.See("Refused by rule default deny")
		b.Serving().End(&policy.Refusal{Rule: "billing/looks", Reason: "the right was taken away"})
		d.Settle()
		d.See("The session has ended", "the right was taken away")
		d.Keys("x")
		d.See("filter")
		b.Fail["key"] = errors.New("recording is unavailable")
		d.Keys("enter")
		d.Keys("x")
		d.See("recording is unavailable")
	})
}
