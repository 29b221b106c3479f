package connectors_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

func pathPlan(t testing.TB, paths ...string) *mask.Plan {
	t.Helper()
	o := mask.Options{Detect: []string{"email", "pem_private_key"}}
	for _, p := range paths {
		o.Paths = append(o.Paths, mask.PathRule{Name: "secret-paths", Path: p})
	}
	p, err := mask.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBody: a body is masked by what its head says that it is, the same however it
// is cut, and what paths cannot follow is withheld.
func TestBody(t *testing.T) {
	const mail = "ann@example.com"
	for _, c := range []struct {
		name, typ, body, want string
		paths                 []string
		more                  []mask.PathRule
	}{
		{"JSON by path", "application/json", `{"a":{"key":"K1","b":1}}`, `{"a":{"key":"[masked]","b":1}}`, []string{"$.a.key"}, nil},
		{"JSON by detector", "application/json; charset=utf-8", `{"a":"\u0061nn@example.com"}`, `{"a":"[email]"}`, nil, nil},
		{"a problem", "application/problem+json", `{"key":"K1"}`, `{"key":"[masked]"}`, []string{"$.key"}, nil},
		{"lines of JSON", "application/x-ndjson", "{\"key\":\"K1\"}\n{\"key\":\"K2\"}\n", "{\"key\":\"[masked]\"}\n{\"key\":\"[masked]\"}\n", []string{"$.key"}, nil},
		{"JSON that says it is text", "text/plain", `{"key":"K1"}`, `{"key":"[masked]"}`, []string{"$.key"}, nil},
		{"JSON that says nothing", "", `{"key":"K1"}`, `{"key":"[masked]"}`, []string{"$.key"}, nil},
		{"text where there are paths", "text/csv", "key\nK1\n", "[masked]", []string{"$.key"}, nil},
		{"text", "text/csv", "mail\n" + mail + "\n", "mail\n[email]\n", nil, nil},
		{"what the kind adds", "application/json", `{"data":{"x":"K1"}}`, `{"data":{"x":"[masked]"}}`, nil, []mask.PathRule{{Name: "secrets", Path: "$.data"}}},
		{"events", "text/event-stream", "event: x\ndata: {\"key\":\"K1\"}\n\ndata: {\"key\":\"K2\"}\n\n", "event: x\ndata: {\"key\":\"[masked]\"}\n\ndata: {\"key\":\"[masked]\"}\n\n", []string{"$.key"}, nil},
		{"events that are text", "text/event-stream", ": hi\r\ndata: " + mail + "\r\n\r\n", ": hi\r\ndata: [email]\r\n\r\n", nil, nil},
		{"a key on several lines", "text/event-stream", "data: -----BEGIN PRIVATE KEY-----\ndata: MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\ndata: -----END PRIVATE KEY-----\ndata: x\n\n", "data: -----BEGIN PRIVATE KEY-----\n[masked]\n[masked]\ndata: x\n\n", nil, nil},
		{"JSON that says it is events", "text/event-stream", "{\n \"key\": \"K1\"\n}\n", "[masked]", []string{"$.key"}, nil},
		{"a document on several lines", "text/event-stream", "data: {\"a\":1,\r\ndata: \"key\":\r\nid: 7\r\ndata: \"K1\"}\r\n\r\n", "data: {\"a\":1,\r\ndata: \"key\":\r\nid: 7\r\ndata: \"[masked]\"}\r\n\r\n", []string{"$.key"}, nil},
		{"a document over two events", "text/event-stream", "data: {\"key\":\"K0\",\"k\":\n\ndata: \"K1\"}\n\n", "data: {\"key\":\"[masked]\",\"k\":\n\n", []string{"$.key"}, nil},
		{"events that are no JSON", "text/event-stream", "data: K1\n\ndata: {}\n\n", "data: [masked]\n", []string{"$.key"}, nil},
	} {
		plan := pathPlan(t, c.paths...)
		fields := []connectors.Field{{Name: "content-type", Value: c.typ}}
		for cut := 1; cut <= len(c.body); cut++ {
			var out bytes.Buffer
			var marks []mask.Mark
			m, err := connectors.Body(plan, &out, fields, c.more, func(m mask.Mark) { marks = append(marks, m) })
			if err != nil {
				t.Fatal(err)
			}
			for rest := []byte(c.body); len(rest) > 0; rest = rest[min(cut, len(rest)):] {
				if _, err := m.Write(rest[:min(cut, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Flush(); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.want {
				t.Fatalf("%s, cut by %d: %q, want %q", c.name, cut, out.String(), c.want)
			}
			if int64(len(marks)) != m.Hits() || m.Hits() == 0 {
				t.Fatalf("%s: %d marks of %d hits", c.name, len(marks), m.Hits())
			}
			for _, k := range marks {
				if s := out.String()[k.At : k.At+int64(k.Len)]; !strings.Contains(s, "[masked]") && !strings.Contains(s, "[email]") {
					t.Fatalf("%s, cut by %d: the mark %+v is of %q", c.name, cut, k, s)
				}
			}
		}
	}
}

// TestMaskFields: credentials of the target and what detectors find do not show.
func TestMaskFields(t *testing.T) {
	in := []connectors.Field{{Name: "set-cookie", Value: "sid=K1"}, {Name: "X-Who", Value: "ann@example.com"}, {Name: "X-N", Value: "1"},
		{Name: "content-length", Value: "4711"}, {Name: "Content-MD5", Value: "Q2hlY2sgSW50ZWdyaXR5IQ=="}}
	out, hits := connectors.MaskFields(pathPlan(t), in)
	if len(out) != 4 || hits != 3 || out[3].Value != "[masked]" || out[0].Value != "[masked]" || !out[0].Masked || out[1].Value != "[email]" || out[2] != in[2] || in[0].Value != "sid=K1" {
		t.Errorf("%d masked: %+v", hits, out)
	}
	if got := connectors.HeadText(404, []connectors.Field{{Name: "X", Value: "a\nHTTP 200"}}); got != "HTTP 404 Not Found\nX: a HTTP 200\n\n" {
		t.Errorf("head %q", got)
	}
}

func TestReadable(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "text/plain": true, "application/json; charset=UTF-8": true, "text/html; charset=iso-8859-1": true, "a broken; type=": true,
		"application/json; charset=utf-16": false, "text/html; charset=utf-7": false, "text/plain; charset=\"utf-32\"": false, "text/plain; charset=ibm037": false,
	} {
		if got := connectors.Readable([]connectors.Field{{Name: "Content-Type", Value: value}}); got != want {
			t.Errorf("%q: readable %t", value, got)
		}
	}
	if connectors.Readable([]connectors.Field{{Name: "Content-Encoding", Value: "br"}}) {
		t.Error("what is still compressed is readable")
	}
}

// FuzzEvents: what events show does not depend on how they were cut.
func FuzzEvents(f *testing.F) {
	f.Add("data: {\"key\":\"K1K1\"}\n\n", uint8(3))
	f.Add("data: {\"key\":\r\ndata: \"K1K1\"}\n\n", uint8(1))
	f.Add(": c\ndata:\"K1K1\"", uint8(2))
	plan := pathPlan(f, "$.key")
	f.Fuzz(func(t *testing.T, body string, cut uint8) {
		n := int(cut)%17 + 1
		show := func(n int) string {
			var out bytes.Buffer
			m, err := connectors.Body(plan, &out, []connectors.Field{{Name: "Content-Type", Value: "text/event-stream"}}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for rest := []byte(body); len(rest) > 0; rest = rest[min(n, len(rest)):] {
				_, _ = m.Write(rest[:min(n, len(rest))])
			}
			_ = m.Flush()
			return out.String()
		}
		if a, b := show(n), show(len(body)+1); a != b {
			t.Errorf("cut by %d: %q, whole: %q", n, a, b)
		}
	})
}
