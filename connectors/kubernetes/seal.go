package kubernetes

import (
	"strings"

	"github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/policy"
)

// tells says why a patch would show a Secret's values by what it does with them, ""
// where it does not. Values are hidden by where they are: a JSON Patch could copy one
// to where none is, a label or the name of an owner, or ask whether it is this one.
func tells(r request, call *policy.KubernetesCall) string {
	if r.method != "PATCH" || !seals(call) || strings.HasPrefix(strings.TrimSpace(r.body), "{") {
		return "" // an object is no JSON Patch
	}
	p, ok := http.ReadPatch([]byte(r.body))
	switch {
	case !ok && !strings.HasPrefix(r.contents, jsonPatch):
		return "" // YAML of an object
	case !ok:
		return "the patch of a Secret cannot be read in one way"
	case p.Moves:
		return "a patch of a Secret copies and moves nothing: a value would show where it comes to"
	}
	for _, at := range p.Tests {
		if !strings.HasPrefix(at, "/metadata/") || strings.HasPrefix(at, "/metadata/annotations") {
			return "a patch of a Secret tests nothing but its metadata: the answer would tell of its values"
		}
	}
	return ""
}
