package kubernetes

import (
	"encoding/json"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/sallyport/sallyport/policy"
)

// withheld stands for a value that neither people nor transcripts may see.
const withheld = "[withheld]"

// kept is a request as people see it and transcripts keep it: what its body would
// put into a Secret is withheld, by reading the body. One that cannot be read is
// withheld whole, whatever it is about: it may be a Secret with a slip in it. "" says
// that the text is kept as it is.
func kept(r request, call *policy.KubernetesCall) string {
	if strings.TrimSpace(r.body) == "" {
		return ""
	}
	body, ok := parsed(r.body)
	if !ok {
		r.body = "[the body is withheld: it is not one document of JSON or YAML]"
		return r.text()
	}
	w := &withholder{}
	switch {
	case call != nil && call.Resource == "secrets":
		body = w.secret(body)
	case seals(call):
		body = w.sealed(body, true)
	default:
		body = w.sealed(body, false)
	}
	if !w.found {
		return ""
	}
	b, err := json.Marshal(body)
	if err != nil {
		b = []byte(withheld)
	}
	r.body = string(b)
	return r.text()
}

// parsed is a body of JSON or YAML: one object or list, of a length that is judged.
func parsed(text string) (body any, ok bool) {
	if len(text) > maxBody {
		return nil, false
	}
	if json.Unmarshal([]byte(text), &body) == nil {
		return body, !scalar(body)
	}
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil || json.Unmarshal(b, &body) != nil || documents(text) > 1 {
		return nil, false
	}
	return body, !scalar(body)
}

// scalar reports whether v is neither an object nor a list.
func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// documents is how many a text of YAML may hold: only the first is read.
func documents(body string) int {
	n := 1
	for line := range strings.Lines(strings.TrimPrefix(strings.TrimSpace(body), "---")) {
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") {
			n++
		}
	}
	return n
}

// withholder takes values out of a body.
type withholder struct{ found bool }

// plainly are the fields of a Secret, or of a change to one, that hold none of its
// values. Whatever else there is may be a slip of the pen for data.
var plainly = set("apiVersion kind type immutable metadata name namespace generateName labels finalizers ownerReferences uid resourceVersion controller blockOwnerDeletion op path from items propagationPolicy gracePeriodSeconds dryRun preconditions orphanDependents")

// secret is a Secret, a patch or a list of them.
func (w *withholder) secret(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			switch {
			case k == "labels": // words of people's own below it
			case plainly[k]:
				v[k] = w.secret(x)
			default:
				v[k] = w.all(x)
			}
		}
	case []any:
		for i, x := range v {
			if scalar(x) {
				v[i] = w.all(x)
			} else {
				v[i] = w.secret(x)
			}
		}
	}
	return v
}

// all withholds every value, and leaves the names.
func (w *withholder) all(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		for k, x := range v {
			v[k] = w.all(x)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = w.all(x)
		}
		return v
	}
	w.found = true
	return withheld
}

// sealing fields hold values of whatever stands for a credential.
var sealingFields = set("data stringData annotations token value password")

// sealed is a body about something else. Secrets in it are withheld; of what stands
// for credentials, their fields are, too.
func (w *withholder) sealed(v any, stands bool) any {
	switch v := v.(type) {
	case map[string]any:
		if kind, ok := v["kind"].(string); ok && strings.EqualFold(strings.TrimSpace(kind), "secret") {
			return w.secret(v)
		}
		for k, x := range v {
			switch {
			case stands && sealingFields[k]:
				v[k] = w.all(x)
			case k == lastApplied:
				v[k] = w.embedded(x)
			default:
				v[k] = w.sealed(x, stands)
			}
		}
	case []any:
		for i, x := range v {
			v[i] = w.sealed(x, stands)
		}
	}
	return v
}

// lastApplied is the annotation that holds an object whole, as kubectl wrote it.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// embedded is an object in a string.
func (w *withholder) embedded(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	var o any
	if json.Unmarshal([]byte(s), &o) != nil {
		return w.all(v)
	}
	inner := &withholder{}
	if inner.sealed(o, false); !inner.found {
		return v
	}
	return w.all(v)
}
