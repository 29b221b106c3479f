package connectors_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// shows is what a cell of a document shows under rules.
func shows(t testing.TB, rules []mask.Rule, detect []string, d *connectors.Document, bare bool, text string) connectors.Cell {
	t.Helper()
	p, err := mask.NewPlan(rules, detect)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: p, Kept: p}
	r := connectors.NewResult(permit(t, g, customers), customers, []connectors.Column{{Name: "d", Document: d, Bare: bare}}, &fake{rows: [][]string{{text}}})
	rows, err := r.Batch(t.Context(), 1)
	if err != nil && err != io.EOF || len(rows) != 1 {
		t.Fatalf("%s: %v, %v", text, rows, err)
	}
	return rows[0][0]
}

// TestDocument: values in a document are masked by where they come from, and no others.
func TestDocument(t *testing.T) {
	from := func(path string) *connectors.Document {
		return &connectors.Document{From: &mask.Column{Schema: "shop", Table: "customers", Name: path}}
	}
	of := func(fields map[string]*connectors.Document) *connectors.Document {
		return &connectors.Document{Fields: fields}
	}
	email, phone := mask.Rule{Name: "r", Column: "customers.email"}, mask.Rule{Name: "r", Column: "customers.contacts.phone"}
	null := mask.Rule{Name: "r", Column: "customers.email", Method: mask.Null}
	partial := mask.Rule{Name: "r", Column: "customers.email", Method: mask.Partial}
	for _, c := range []struct {
		rule       mask.Rule
		doc        *connectors.Document
		bare       bool
		text, want string
		state      connectors.CellState
	}{
		{email, from(""), false, `{"_id":1,"email":"a@b","n":{"email":"c"}}`, `{"_id":1,"email":"[masked]","n":{"email":"c"}}`, connectors.Masked},
		{email, from(""), false, `{"_id":1,"mail":"a"}`, `{"_id":1,"mail":"a"}`, connectors.Shown},
		{email, from(""), false, `{"EMAIL":"a","e\u006dail":"b"}`, `{"EMAIL":"[masked]","e\u006dail":"[masked]"}`, connectors.Masked},
		{email, from(""), false, `{"email":["a",{"x":"b"},[1,null,true]]}`, `{"email":["[masked]","[masked]",["[masked]",null,"[masked]"]]}`, connectors.Masked},
		{email, from(""), false, `{"email":{"$oid":"5"},"x":1}`, `{"email":"[masked]","x":1}`, connectors.Masked},
		{email, from(""), false, `{"email":null}`, `{"email":null}`, connectors.Shown},
		{null, from(""), false, `{"email":"a"}`, `{"email":null}`, connectors.Masked},
		{partial, from(""), false, `{"email":4111111111111111}`, `{"email":"****1111"}`, connectors.Masked},
		{email, from("email"), true, `"a@b"`, `[masked]`, connectors.Masked},
		{email, from("name"), true, `"a \"q\""`, `a "q"`, connectors.Shown},
		{email, from("name"), true, `{"email":"a"}`, `{"email":"a"}`, connectors.Shown}, // name.email is no email
		{email, from("name"), true, `5`, `5`, connectors.Shown},
		{phone, from(""), false, `{"contacts":[{"phone":"1","kind":"w"},{"phone":"2"}]}`, `{"contacts":[{"phone":"[masked]","kind":"w"},{"phone":"[masked]"}]}`, connectors.Masked},
		{phone, from("contacts"), false, `[{"phone":"1"}]`, `[{"phone":"[masked]"}]`, connectors.Masked},
		{mask.Rule{Name: "r", Column: "customers.contacts"}, from("contacts.phone"), true, `"1"`, `[masked]`, connectors.Masked},
		{email, of(map[string]*connectors.Document{"x": from("email"), "y": from("name")}), false, `{"x":"a","y":"b","z":"c"}`, `{"x":"[masked]","y":"b","z":"c"}`, connectors.Masked},
		{email, of(map[string]*connectors.Document{"x": from("")}), false, `{"x":[{"email":"a"}]}`, `{"x":[{"email":"[masked]"}]}`, connectors.Masked},
		{email, &connectors.Document{Any: []*connectors.Document{from("name"), from("email")}}, true, `"a"`, `[masked]`, connectors.Masked},
		{email, &connectors.Document{Any: []*connectors.Document{{}, from("")}}, false, `{"email":"a"}`, `{"email":"[masked]"}`, connectors.Masked},
		{email, &connectors.Document{Computed: []mask.Column{{Schema: "shop", Table: "customers"}}}, false, `[{"a":1}]`, `"[masked]"`, connectors.Masked},
		{email, &connectors.Document{Computed: []mask.Column{{Schema: "shop", Table: "customers", Name: "name"}}}, true, `"x"`, `x`, connectors.Shown},
		{email, &connectors.Document{From: from("").From, Fields: map[string]*connectors.Document{"email": {}}}, false, `{"email":"made up"}`, `{"email":"made up"}`, connectors.Shown},
		{email, from(""), false, `{"email":"a"`, "[withheld]", connectors.Withheld},
		{email, from(""), false, `{"email"}`, "[withheld]", connectors.Withheld},
		{email, from(""), false, `{"x":1}{"email":"a"}`, "[withheld]", connectors.Withheld},
		{email, from(""), false, ``, "[withheld]", connectors.Withheld},
	} {
		if got := shows(t, []mask.Rule{c.rule}, nil, c.doc, c.bare, c.text); got.Text != c.want || got.State != c.state {
			t.Errorf("%s: shown as %q, %d; want %q, %d", c.text, got.Text, got.State, c.want, c.state)
		}
	}
}

// TestDocumentDetectors: what detectors find shows in no value and no key.
func TestDocumentDetectors(t *testing.T) {
	d := &connectors.Document{From: &mask.Column{Schema: "shop", Table: "customers"}}
	got := shows(t, nil, []string{"email", "card"}, d, false, `{"note":"write to ann\u0040mail.example","by":{"ann@mail.example":1},"n":4111111111111111}`)
	if got.State != connectors.Detected || !json.Valid([]byte(got.Text)) || got.Text != `{"note":"write to [email]","by":{"[email]":1},"n":"[card *1111]"}` && got.Text != `{"note":"write to [email]","by":{"[email]":1},"n":null}` {
		t.Errorf("%+v", got)
	}
	if got := shows(t, nil, []string{"email"}, d, true, `"write to ann\u0040mail.example"`); got.Text != "write to [email]" || got.State != connectors.Detected {
		t.Errorf("%+v", got)
	}
}

// FuzzDocument: nothing of a masked field shows, and a document stays one.
func FuzzDocument(f *testing.F) {
	f.Add("email", "x", "y")
	f.Add("a", `"\u00e9{`, "\x00")
	p, err := mask.NewPlan([]mask.Rule{{Name: "r", Column: "customers.email"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, a, b string) {
		const secret = "Quince5150"
		text, err := json.Marshal([]any{map[string]any{key: a, "email": secret + a}, map[string]any{"email": []any{map[string]any{b: secret}, secret}}, b})
		if err != nil {
			return
		}
		d := &connectors.Document{From: &mask.Column{Schema: "shop", Table: "customers"}}
		r := connectors.NewResult(permit(t, &connectortest.Guard{Seen: p, Kept: p}, customers), customers, []connectors.Column{{Name: "d", Document: d}}, &fake{rows: [][]string{{string(text)}}})
		rows, _ := r.Batch(t.Context(), 1)
		if len(rows) != 1 || !json.Valid([]byte(rows[0][0].Text)) {
			t.Fatalf("%s is %v", text, rows)
		}
		if key != "email" && a != secret && b != secret && strings.Contains(rows[0][0].Text, secret) {
			t.Errorf("%s shows %s", text, rows[0][0].Text)
		}
	})
}
