package tui_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// The sizes at which every state is kept as a golden frame.
var sizes = [][2]int{{80, 24}, {200, 50}}

// The sizes at which some are, to see the small layouts.
var small = [][2]int{{60, 18}, {20, 5}}

// state is how to get to one.
type state struct {
	name  string
	small bool
	show  func(t *testing.T, w, h int) *tuitest.Driver
}

// states are the golden frames: how to get to each.
var states = []state{
	{"sign-in", true, func(t *testing.T, w, h int) *tuitest.Driver {
		d, _ := door()
		return at(t, d, w, h)
	}},
	{"sign-in-long-address", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d, _ := door()
		d.Flow.URL = "https://login.company.example.com/realms/engineering/protocol/openid-connect/auth/device"
		d.Flow.CompleteURL = d.Flow.URL + "?user_code=WDJB-MJHT"
		return at(t, d, w, h)
	}},
	{"sign-in-expired", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d, _ := door()
		f := at(t, d, w, h)
		f.Advance(5*time.Minute + time.Second)
		return f
	}},
	{"picker", true, func(t *testing.T, w, h int) *tuitest.Driver {
		return as(t, tuitest.NewBastion(time.Now), tuitest.Alice, w, h)
	}},
	{"picker-filter", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d := as(t, tuitest.NewBastion(time.Now), tuitest.Alice, w, h)
		d.Keys("/", "kind:postgres", "down")
		return d
	}},
	{"picker-loose", false, picking("ordb")},
	{"picker-favourites", true, picking("j", "j", "f", "G", "f")},
	{"picker-actions", true, picking(":")},
	{"picker-actions-filter", false, picking(":", "out")},
	{"workspace-actions", false, sql("select * from customers;", "enter", "tab", ":")},
	{"workspace-actions-typing", false, sql("select 1", "alt+:", "re")},
	{"picker-nothing", false, func(t *testing.T, w, h int) *tuitest.Driver {
		return as(t, tuitest.NewBastion(time.Now), tuitest.Dave, w, h)
	}},
	{"workspace", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d := open(t, tuitest.NewBastion(time.Now), tuitest.Alice, w, h)
		d.Keys("delete from orders")
		d.Advance(200 * time.Millisecond)
		return d
	}},
	{"workspace-result", true, sql("select * from customers;", "enter", "tab", "down", "right")},
	{"workspace-record", false, sql("select * from customers;", "enter", "tab", "x")},
	{"workspace-tables", false, sql("tab", "/", "card")},
	{"workspace-complete", false, sql("select full_name from customers where c", "tab", "tab")},
	{"workspace-documents", false, documents("enter", "tab", "x", "down", "down", "down")},
	{"workspace-document-cell", false, documents("enter", "tab", "right", "enter")},
	{"workspace-cell", false, sql("select * from customers;", "enter", "tab", "end", "enter")},
	{"workspace-mask", false, sql("select * from customers;", "enter", "tab", "right", "right", "right", "m")},
	{"workspace-mask-withheld", false, sql("select * from customers;", "enter", "tab", "end", "m")},
	{"workspace-unmask", false, sql("select * from customers;", "enter", "tab", "right", "right", "right", "m", "u", "case 7")},
	{"workspace-ask", true, sql("delete from orders;", "enter", "old rows")},
	{"workspace-wait", false, sql("delete from orders;", "enter", "old rows", "enter")},
	{"workspace-refused", false, sql("drop table customers;", "enter")},
	{"workspace-history", false, sql("select 1;", "enter", "select 2;", "enter", "ctrl+r")},
	{"workspace-why", false, sql("drop table customers", "f5")},
	{"approvals", true, func(t *testing.T, w, h int) *tuitest.Driver { return deciding(t, tuitest.Bob, w, h) }},
	{"approvals-own", false, func(t *testing.T, w, h int) *tuitest.Driver { return deciding(t, tuitest.Alice, w, h) }},
	{"approvals-deny", false, func(t *testing.T, w, h int) *tuitest.Driver {
		d := deciding(t, tuitest.Bob, w, h)
		d.Advance(time.Second)
		d.Keys("d", "use a where clause")
		return d
	}},
	{"transcripts", false, tapes("3")},
	{"replay-sql", false, tapes("3", "enter", "G")},
	{"replay-shell", false, tapes("3", "j", "enter", "n")},
	{"search", true, tapes("3", "/", "person:alice from", "enter", "down")},
	{"search-empty", false, tapes("3", "/")},
	{"replay-note", false, tapes("3", "j", "enter", "n", "m", "why is this here")},
	{"cluster", false, cluster()},
	{"cluster-pods", true, cluster("G", "enter")},
	{"cluster-pods-filter", false, cluster("G", "enter", "/", "status:crash")},
	{"cluster-logs", true, cluster("G", "enter", "down", "enter")},
	{"cluster-container", false, cluster("G", "enter", "enter")},
	{"cluster-describe", false, cluster("G", "enter", "down", "d")},
	{"cluster-events", false, cluster("G", "enter", "down", "e")},
	{"cluster-other", false, cluster("G", "enter", ":", "dep")},
	{"cluster-none", false, cluster("G", "enter", ":", "deploy", "enter")},
	{"cluster-error", false, cluster(":", "gadgets", "enter")},
	{"help", false, tapes("?")},
	{"quit", false, tapes("Q")},
}

// picking presses keys in alice's picker.
func picking(keys ...string) func(*testing.T, int, int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		d := as(t, tuitest.NewBastion(time.Now), tuitest.Alice, w, h)
		d.Keys(keys...)
		return d
	}
}

// sql opens a workspace and presses keys.
func sql(keys ...string) func(*testing.T, int, int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		d := open(t, tuitest.NewBastion(time.Now), tuitest.Alice, w, h)
		d.Keys(keys...)
		return d
	}
}

// documents runs a query on a database of documents.
func documents(keys ...string) func(*testing.T, int, int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		b := tuitest.NewBastion(time.Now)
		b.Listings = append(b.Listings, tui.Listing{Resource: policy.Resource{Name: "catalogue", Kind: "mongodb", Labels: map[string]string{"env": "dev"}}, Power: "sql"})
		d := as(t, b, tuitest.Alice, w, h)
		d.Keys("catalogue", "enter", `{"find": "orders"}`)
		d.Keys(keys...)
		return d
	}
}

// tapes is carol's face with two transcripts.
func tapes(keys ...string) func(*testing.T, int, int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		d := as(t, b, tuitest.Carol, w, h)
		d.Keys(keys...)
		return d
	}
}

// deciding is the approvals page with a request of alice's.
func deciding(t *testing.T, id policy.Identity, w, h int) *tuitest.Driver {
	t.Helper()
	b := tuitest.NewBastion(time.Now)
	b.Request(policy.Approval{Requester: tuitest.Alice, Action: policy.ActionSQL,
		Resource:  policy.Resource{Name: "orders-db", Kind: "postgres", Labels: map[string]string{"env": "prod"}},
		Statement: "delete from orders\nwhere placed_at < '2024-01-01' -- old ones\n   or status = 'test';",
		Facts:     policy.Facts{Class: policy.Write, Verb: "DELETE", Destructive: true, Why: "DELETE with a wide WHERE", Tables: []policy.Table{{Name: "orders", Write: true}}},
		Rule:      "writes-need-dba", Approvers: []string{"dba"}, Need: 1, Reason: "test data of last week, ticket 4711",
		From: "127.0.0.1:53422", Session: "20261123T1930-0001"})
	d := as(t, b, id, w, h)
	d.Keys("2")
	return d
}

func TestGolden(t *testing.T) {
	for _, s := range slices.Concat(states, httpStates, runbookStates, logStates) {
		all := sizes
		if s.small {
			all = append(append([][2]int{}, sizes...), small...)
		}
		for _, size := range all {
			name := fmt.Sprintf("%s-%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				tuitest.Run(t, func(t *testing.T) {
					tuitest.Golden(t, name, s.show(t, size[0], size[1]).Frame())
				})
			})
		}
	}
}
