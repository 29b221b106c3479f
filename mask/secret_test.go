package mask_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sallyport/sallyport/mask"
)

const hunter = "hunter2-hunter2"

// leaks reports whether s shows the secret, also in the ways fmt has for bytes.
func leaks(s string) bool {
	for _, form := range []string{
		hunter, fmt.Sprintf("%x", hunter), fmt.Sprintf("%X", hunter), fmt.Sprintf("% x", hunter),
		fmt.Sprint([]byte(hunter)), strings.Trim(fmt.Sprintf("%#v", []byte(hunter)), "[]byte{}"), strings.Trim(fmt.Sprintf("%o", []byte(hunter)), "[]"),
	} {
		if strings.Contains(s, form) {
			return true
		}
	}
	var b64 string
	if b, err := json.Marshal([]byte(hunter)); err == nil {
		b64 = strings.Trim(string(b), `"=`)
	}
	return strings.Contains(s, b64)
}

type holder struct {
	Name   string
	Secret mask.Secret
	Ptr    *mask.Secret
	List   []mask.Secret
	Map    map[string]mask.Secret
	Any    any
}

type holderXML struct{ S mask.Secret }

func holders() map[string]any {
	s := mask.NewSecret([]byte(hunter))
	h := holder{"db", s, &s, []mask.Secret{s}, map[string]mask.Secret{"k": s}, s}
	return map[string]any{"value": s, "pointer": &s, "struct": h, "struct pointer": &h, "slice": []mask.Secret{s}, "pointers": []*mask.Secret{&s}}
}

func TestSecretFormat(t *testing.T) {
	for name, v := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%p", "%T", "%10v", "%-5s", "%.3s", "%w", "%!"} {
			if got := fmt.Sprintf(verb, v); leaks(got) {
				t.Errorf("%s of a %s: %s", verb, name, got)
			}
		}
		err := fmt.Errorf("open: %w", errors.Join(fmt.Errorf("credential %v", v)))
		if leaks(err.Error()) || leaks(fmt.Sprintf("%+v %#v", err, err)) {
			t.Errorf("error with a %s: %v", name, err)
		}
	}
	s := mask.NewSecret([]byte(hunter))
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%d", "%#v"} {
		if got := fmt.Sprintf(verb, s); got != "[secret]" {
			t.Errorf("%s: %q, want [secret]", verb, got)
		}
	}
}

// unexported fields are reached by fmt without its methods.
func TestSecretInUnexportedField(t *testing.T) {
	s := mask.NewSecret([]byte(hunter))
	v := struct {
		s mask.Secret
		p *mask.Secret
		l []mask.Secret
	}{s, &s, []mask.Secret{s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, x := range []any{v, &v} {
			if got := fmt.Sprintf(verb, x); leaks(got) {
				t.Errorf("%s: %s", verb, got)
			}
		}
	}
}

func TestSecretLogged(t *testing.T) {
	for name, v := range holders() {
		var b bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			l := slog.New(h)
			l.Info("open", "credential", v, slog.Group("g", slog.Any("v", v)))
			l.With("credential", v).Info("open")
		}
		if leaks(b.String()) {
			t.Errorf("log of a %s: %s", name, b.String())
		}
		if !strings.Contains(b.String(), "[secret]") {
			t.Errorf("log of a %s does not say [secret]: %s", name, b.String())
		}
	}
}

func TestSecretEncoded(t *testing.T) {
	for name, v := range holders() {
		for form, encode := range map[string]func(any) ([]byte, error){
			"json": json.Marshal,
			"yaml": func(v any) ([]byte, error) { return yaml.Marshal(v) },
		} {
			b, err := encode(v)
			if err != nil || leaks(string(b)) || !strings.Contains(string(b), "[secret]") {
				t.Errorf("%s of a %s: %s, %v", form, name, b, err)
			}
		}
	}
	s := mask.NewSecret([]byte(hunter))
	b, err := xml.Marshal(holderXML{s})
	if err != nil || leaks(string(b)) {
		t.Errorf("xml: %s, %v", b, err)
	}
}

func TestSecretKeepsItsBytes(t *testing.T) {
	b := []byte(hunter)
	s := mask.NewSecret(b)
	if string(s.Reveal()) != hunter || s.Empty() || !(mask.Secret{}).Empty() {
		t.Error("the secret is not what was given")
	}
	s.Destroy()
	if !bytes.Equal(b, make([]byte, len(hunter))) {
		t.Errorf("after Destroy: %q", b)
	}
}
