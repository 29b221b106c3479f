package http

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// What is stripped from answers is looked for as it is written: a service that shows
// what it was sent, and compresses that as nobody asked it to, showed the credential to
// whoever had leave for binary answers.
func TestACompressedEchoIsNotShown(t *testing.T) {
	e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", r.URL.Query().Get("as"))
		if r.URL.Query().Get("as") != "deflate" {
			_, _ = io.WriteString(w, "ok")
			return
		}
		z := zlib.NewWriter(w)
		_, _ = io.WriteString(z, `{"headers":{"Authorization":"`+r.Header.Get("Authorization")+`"}}`)
		_ = z.Close()
	}), nil, nil)
	conn := open(t, e, canary, &connectortest.Guard{})
	ask := func(text string) (*shown, error) {
		s := &shown{}
		return s, conn.(connectors.Requester).Request(t.Context(), &connectortest.Guard{}, text, s)
	}
	out, err := ask("GET /?as=deflate\n\n")
	if z, zerr := zlib.NewReader(bytes.NewReader(out.Bytes())); zerr == nil {
		if b, _ := io.ReadAll(z); strings.Contains(string(b), canary) {
			t.Errorf("it shows %s", b)
		}
	}
	if !errors.Is(err, connectors.ErrUnsupported) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	for _, text := range []string{"GET /?as=identity\n\n", "GET /?as=\n\n", "HEAD /?as=br\n\n"} {
		if _, err := ask(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Whatever a reader of JSON Patch takes for copying or moving is seen.
func FuzzReadPatch(f *testing.F) {
	f.Add(`[{"op":"copy","from":"/a","path":"/b"}]`)
	f.Add(` [{"op":"add","Op":"move","from":"/a","path":"/b"},{}]`)
	f.Add(`[1,{"op":"test","path":"/a","value":[{"op":"copy"}]}]`)
	f.Fuzz(func(t *testing.T, body string) {
		p, ok := ReadPatch([]byte(body))
		var steps []map[string]any
		if json.Unmarshal([]byte(body), &steps) != nil {
			return
		}
		for _, s := range steps {
			if (s["op"] == "copy" || s["op"] == "move") && ok && !p.Moves {
				t.Errorf("%q copies", body)
			}
			if s["op"] == "test" && ok && len(p.Tests) == 0 {
				t.Errorf("%q tests", body)
			}
		}
	})
}
