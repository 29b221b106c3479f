package http

import (
	"context"
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// What a body says of itself does not make a request a read: a service that knows
// no GraphQL, RPC or SOAP at that path does what method and path say, and takes no
// notice of keys that it does not know.
func TestNoBodyMakesAChangeARead(t *testing.T) {
	for name, text := range map[string]string{
		"delete with a query":        "DELETE /orders/5\n\n" + `{"query":"query { a }"}`,
		"delete below graphql":       "DELETE /graphql-schemas/5\n\n" + `{"query":"query { a }"}`,
		"post with a query":          "POST /orders/5/cancel\n\n" + `{"query":"{ a }"}`,
		"put as GraphQL":             "PUT /orders/5\nContent-Type: application/graphql\n\n{ a }",
		"post with a call":           "POST /orders/5/cancel\n\n" + `{"jsonrpc":"2.0","method":"get","id":1}`,
		"post with an envelope":      "POST /orders/5/cancel\nSOAPAction: x\n\n<Envelope><Body><GetOrder/></Body></Envelope>",
		"a method in another case":   "POST /rpc\n\n" + `{"jsonrpc":"2.0","method":"createOrder","Method":"get","id":1}`,
		"a method that stands twice": "POST /rpc\n\n" + `{"jsonrpc":"2.0","method":"createOrder","method":"get","id":1}`,
		"an action in the head":      "POST /soap\nSOAPAction: \"urn:x#CreateOrder\"\n\n<Envelope><Body><GetOrder/></Body></Envelope>",
		"a body in a comment":        "POST /soap\n\n<Envelope><!-- <Body><GetOrder/></Body> --><Body><CreateOrder/></Body></Envelope>",
		"a second call":              "POST /soap\n\n<Envelope><Body><GetOrder/><CreateOrder/></Body></Envelope>",
	} {
		t.Run(name, func(t *testing.T) {
			if f := Facts(text); f.Class == policy.Read {
				t.Errorf("%q is a %s", text, f.Class)
			}
		})
	}
}

// A form that readers may split in two ways, or that is of parts, still may not
// replace the method.
func TestNoFormReplacesTheMethod(t *testing.T) {
	for _, text := range []string{
		"POST /orders/5\nContent-Type: application/x-www-form-urlencoded\n\n_method=DELETE&x=%zz",
		"POST /orders/5\nContent-Type: application/x-www-form-urlencoded\n\nx=1;_method=DELETE",
		"POST /orders/5\nContent-Type: multipart/form-data; boundary=b\n\n--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--\r\n",
	} {
		if f := Facts(text); f.Class.Severity() < policy.Dangerous.Severity() {
			t.Errorf("%q is a %s", text, f.Class)
		}
	}
}

// GraphQL is known however its JSON is written and wherever it is sent, so that an
// alias under which a mask would not know a value is.
func TestGraphQLInDisguise(t *testing.T) {
	for _, text := range []string{
		"POST /api\n\n" + `{"query":"\u0071uery { a: email }"}`,
		"POST /api\n\n" + `{"qu\u0065ry":"query { a: email }"}`,
		"POST /api\n\n" + `{"query":"\n query { a: email }"}`,
		"POST /api\n\n" + `{"query":"#x\n{ a: email }"}`,
		"POST /api\n\n" + `[{"query":"{ a: email }"}]`,
		"GET /api?query=%7Bx%3Aemail%7D",
	} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		j := &judge{r: r}
		j.target()
		if j.form() != formGraphQL {
			t.Errorf("%q is not known as GraphQL", text)
		}
	}
}

// Judging a request leaves it as it is: what is sent is what was judged.
func TestJudgingChangesNothing(t *testing.T) {
	for _, body := range []string{
		`[{"jsonrpc":"2.0","method":"list","id":1},{"jsonrpc":"2.0","method":"create","id":2}]`,
		`[{"query":"{ a }"},{"query":"mutation { b }"}]`,
	} {
		r, err := Parse("POST /rpc\n\n" + body)
		if err != nil {
			t.Fatal(err)
		}
		r.Facts(Options{})
		if string(r.Body) != body {
			t.Errorf("%s\nwould be sent as\n%s", body, r.Body)
		}
	}
}

// A service that refuses every token has a new one fetched for each request: what
// is known of them stays bounded, and the last ones stay known.
func TestTokensWithoutEnd(t *testing.T) {
	n := 0
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		n++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"%s","token_type":"bearer"}`, minted(n))
	}))
	defer s.Close()
	c, err := newCredential(connectors.Endpoint{User: "shop", HTTP: &connectors.HTTPTarget{Auth: authOAuth2, TokenURL: s.URL}},
		mask.NewSecret([]byte("the client's own secret")), &nethttp.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.destroy()
	full := 0
	for i := range 3 * maxTokens {
		if err := c.fetch(context.Background(), &connectortest.Guard{}); err != nil {
			t.Fatal(err)
		}
		for _, known := range []string{minted(n), minted(max(1, n-maxTokens+1)), "the client's own secret"} {
			if _, hit := c.stripper().text("so " + known + "."); !hit {
				t.Errorf("%q is not known at token %d", known, n)
			}
		}
		if i == maxTokens-1 {
			full = len(c.stripper().nodes)
		}
		c.refused()
	}
	if now := len(c.stripper().nodes); now > 2*full {
		t.Errorf("what is known of %d tokens takes %d nodes, of %d it took %d", n, now, maxTokens, full)
	}
}

// minted is one of many of a length that share no beginning.
func minted(n int) string { return strings.Repeat(string(rune('a'+n)), 40) }

// A body that the judge cannot read, and a service can, is not taken for one that
// says nothing.
func TestBodiesInDisguise(t *testing.T) {
	wide := strings.Join(strings.Split(`{"role":"admin"}`, ""), "\x00")
	for _, text := range []string{
		"POST /orders\nContent-Type: application/json\n\n\x00" + wide,
		"POST /orders\nContent-Type: application/json; charset=utf-7\n\n+AHsAIg-role",
		"POST /orders\nContent-Encoding: deflate\n\nx\x01",
		"POST /orders\nContent-Type: text/plain\nContent-Type: application/json\n\n{}",
	} {
		if f := Facts(text); f.Class.Severity() < policy.Dangerous.Severity() {
			t.Errorf("%q is a %s", text, f.Class)
		}
	}
	if f := Facts("POST /orders\nContent-Type: application/json; charset=UTF-8\n\n{}"); f.Class != policy.Write {
		t.Errorf("a plain body is a %s: %s", f.Class, f.Why)
	}
}

// A document that the service knows by a name may hold aliases: where masks go by
// paths, it is not sent.
func TestAPersistedDocumentIsNotMaskedByPaths(t *testing.T) {
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "mails", Path: "**.email"}}})
	if err != nil {
		t.Fatal(err)
	}
	for text, sent := range map[string]bool{
		"GET /graphql?extensions=%7B%7D":           false,
		"POST /graphql\n\n" + `{"id":"abc"}`:       false,
		"GET /graphql?query=%7Buser%7Bemail%7D%7D": true,
		"GET /orders?id=1":                         true,

		// A form is as good as JSON to many services, whatever the path is called.
		"POST /api\nContent-Type: application/x-www-form-urlencoded\n\nquery=%7Buser%7Ba:email%7D%7D": false,
		"POST /api\nContent-Type: application/x-www-form-urlencoded\n\nquery=%7Buser%7Bemail%7D%7D":   true,
		"POST /api\nContent-Type: application/x-www-form-urlencoded\n\nquery=blue":                    true,
		// A JSON Patch copies what is masked to where it is not.
		"PATCH /users/1\n\n" + ` [{"op":"copy","from":"/email","path":"/note"}]`:           false,
		"PATCH /users/1\n\n" + `[{"op":"add","op":"move","from":"/email","path":"/note"}]`: false,
		"PATCH /users/1\n\n" + `[{"op":"add","path":"/note","value":"x"}]`:                 true,
		"PATCH /users/1\n\n" + `{"note":"x"}`:                                              true,
		"PATCH /users/1\n\n" + `[{"OP":"copy","FROM":"/email","path":"/note"}]`:            false,
		"PATCH /users\n\n" + `[{"id":1,"from":"x","path":5},2]`:                            true,
		"POST /users\n\n" + `[{"op":"copy","from":"/email","path":"/note"}]`:               true,
	} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := reshaped(r, planned{plan: plan}); (err == nil) != sent {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// planned is a permit with one plan.
type planned struct {
	connectors.Permit
	plan *mask.Plan
}

func (p planned) Seen() *mask.Plan { return p.plan }
func (p planned) Kept() *mask.Plan { return p.plan }
